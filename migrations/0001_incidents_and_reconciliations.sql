CREATE TABLE `incidents` (
	`id` integer PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`merchant_id` integer,
	`order_number` text,
	`facts` text NOT NULL,
	`seen` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`resolved_at` integer,
	`note` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `incidents_open` ON `incidents` (`kind`,`subject`) WHERE resolved_at is null;--> statement-breakpoint
CREATE TABLE `marks` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `reconciliations` (
	`id` integer PRIMARY KEY NOT NULL,
	`merchant_id` integer NOT NULL,
	`day` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`attempts` integer NOT NULL,
	`retry_at` integer,
	`bill_payments` integer NOT NULL,
	`bill_paid_fen` integer NOT NULL,
	`bill_refunds` integer NOT NULL,
	`bill_refunded_fen` integer NOT NULL,
	`our_payments` integer NOT NULL,
	`our_paid_fen` integer NOT NULL,
	`our_refunds` integer NOT NULL,
	`our_refunded_fen` integer NOT NULL,
	`settled` integer NOT NULL,
	`discrepancies` integer NOT NULL,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `reconciliations_merchant_day` ON `reconciliations` (`merchant_id`,`day`);--> statement-breakpoint
ALTER TABLE `refunds` ADD `source` text DEFAULT 'app' NOT NULL;--> statement-breakpoint
CREATE INDEX `refunds_created` ON `refunds` (`created_at`);--> statement-breakpoint
CREATE INDEX `refunds_unfinished` ON `refunds` (`updated_at`) WHERE notify_state <> 'confirmed' or state = 'abnormal';--> statement-breakpoint
CREATE INDEX `orders_merchant_paid` ON `orders` (`merchant_id`,`paid_at`) WHERE paid_at is not null;--> statement-breakpoint
CREATE INDEX `orders_failing` ON `orders` (`updated_at`) WHERE pay_notify_state = 'failing';