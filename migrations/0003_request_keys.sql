CREATE TABLE `request_keys` (
	`id` integer PRIMARY KEY NOT NULL,
	`app_id` integer NOT NULL,
	`key_id` text NOT NULL,
	`algorithm` text NOT NULL,
	`public_key_pem` text,
	`secret_sealed` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`app_id`) REFERENCES `apps`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "request_keys_material" CHECK((public_key_pem is not null) = (algorithm = 'ed25519') and (secret_sealed is not null) = (algorithm = 'hmac-sha256'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `request_keys_key_id` ON `request_keys` (`key_id`);--> statement-breakpoint
CREATE INDEX `request_keys_app` ON `request_keys` (`app_id`);--> statement-breakpoint
ALTER TABLE `apps` ADD `request_signature` text DEFAULT 'off' NOT NULL;