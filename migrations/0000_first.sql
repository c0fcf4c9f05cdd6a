CREATE TABLE `apps` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`merchant_id` integer NOT NULL,
	`wechat_app_id` text NOT NULL,
	`pay_notify_url` text NOT NULL,
	`refund_notify_url` text NOT NULL,
	`enabled` integer NOT NULL,
	`salt_sealed` text NOT NULL,
	`old_salt_sealed` text,
	`old_salt_expires_at` integer,
	`webhook_secret_sealed` text NOT NULL,
	`old_webhook_secret_sealed` text,
	`old_webhook_secret_expires_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `apps_merchant` ON `apps` (`merchant_id`);--> statement-breakpoint
CREATE TABLE `merchants` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`mch_id` text NOT NULL,
	`protocol` text NOT NULL,
	`sign_type` text,
	`api_key_sealed` text,
	`cert_binding` text,
	`api_v3_key_sealed` text,
	`merchant_serial_no` text,
	`merchant_private_key_sealed` text,
	`certificates_checked_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `merchants_mch_id` ON `merchants` (`mch_id`);--> statement-breakpoint
CREATE TABLE `orders` (
	`id` integer PRIMARY KEY NOT NULL,
	`number` text NOT NULL,
	`app_id` integer NOT NULL,
	`merchant_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`protocol` text NOT NULL,
	`sign_type` text NOT NULL,
	`wechat_app_id` text NOT NULL,
	`app_order_no` text,
	`desc` text NOT NULL,
	`total_fen` integer NOT NULL,
	`tag` text NOT NULL,
	`attach` text,
	`client_ip` text NOT NULL,
	`notify_url` text NOT NULL,
	`pay_state` text NOT NULL,
	`transaction_id` text,
	`paid_at` integer,
	`pay_notify_state` text NOT NULL,
	`pay_notify_number` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`app_id`) REFERENCES `apps`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "orders_total_positive" CHECK(total_fen > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `orders_number` ON `orders` (`number`);--> statement-breakpoint
CREATE UNIQUE INDEX `orders_app_order_no` ON `orders` (`app_id`,`app_order_no`) WHERE app_order_no is not null;--> statement-breakpoint
CREATE TABLE `refunds` (
	`id` integer PRIMARY KEY NOT NULL,
	`order_id` integer NOT NULL,
	`app_id` integer NOT NULL,
	`number` text NOT NULL,
	`app_refund_no` text,
	`refund_fen` integer NOT NULL,
	`notify_url` text NOT NULL,
	`state` text NOT NULL,
	`refund_id` text,
	`notify_state` text NOT NULL,
	`notify_number` integer NOT NULL,
	`succeeded_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`order_id`) REFERENCES `orders`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "refunds_positive" CHECK(refund_fen > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `refunds_number` ON `refunds` (`number`);--> statement-breakpoint
CREATE INDEX `refunds_order` ON `refunds` (`order_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `refunds_app_refund_no` ON `refunds` (`app_id`,`app_refund_no`) WHERE app_refund_no is not null;--> statement-breakpoint
CREATE TABLE `users` (
	`id` integer PRIMARY KEY NOT NULL,
	`app_id` integer NOT NULL,
	`open_id` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`app_id`) REFERENCES `apps`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_app_open_id` ON `users` (`app_id`,`open_id`);--> statement-breakpoint
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
CREATE UNIQUE INDEX `verify_keys_merchant_key` ON `verify_keys` (`merchant_id`,`key_id`);