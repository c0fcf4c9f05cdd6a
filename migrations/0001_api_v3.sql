CREATE TABLE `verify_keys` (
	`id` integer PRIMARY KEY NOT NULL,
	`merchant_id` integer NOT NULL,
	`key_id` text NOT NULL,
	`kind` text NOT NULL,
	`public_key_pem` text NOT NULL,
	`not_before` integer,
	`not_after` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `verify_keys_merchant_key` ON `verify_keys` (`merchant_id`,`key_id`);--> statement-breakpoint
-- APIv2's columns become nullable column by column: SQLite would have to rebuild the table for it,
-- and dropping one that others refer to is what a migration on D1 can't do safely.
ALTER TABLE `merchants` ADD `nullable_sign_type` text;--> statement-breakpoint
ALTER TABLE `merchants` ADD `nullable_api_key_sealed` text;--> statement-breakpoint
UPDATE `merchants` SET `nullable_sign_type` = `sign_type`, `nullable_api_key_sealed` = `api_key_sealed`;--> statement-breakpoint
ALTER TABLE `merchants` DROP COLUMN `sign_type`;--> statement-breakpoint
ALTER TABLE `merchants` DROP COLUMN `api_key_sealed`;--> statement-breakpoint
ALTER TABLE `merchants` RENAME COLUMN `nullable_sign_type` TO `sign_type`;--> statement-breakpoint
ALTER TABLE `merchants` RENAME COLUMN `nullable_api_key_sealed` TO `api_key_sealed`;--> statement-breakpoint
ALTER TABLE `merchants` ADD `api_v3_key_sealed` text;--> statement-breakpoint
ALTER TABLE `merchants` ADD `merchant_serial_no` text;--> statement-breakpoint
ALTER TABLE `merchants` ADD `merchant_private_key_sealed` text;--> statement-breakpoint
ALTER TABLE `merchants` ADD `certificates_checked_at` integer;
