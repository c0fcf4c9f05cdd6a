ALTER TABLE `apps` ADD `require_app_order_no` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `apps` ADD `require_app_refund_no` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `apps` ADD `allowed_addresses` text;--> statement-breakpoint
ALTER TABLE `apps` ADD `can_refund` integer DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE `apps` ADD `max_refund_fen_per_day` integer;--> statement-breakpoint
ALTER TABLE `refunds` ADD `resent_at` integer;--> statement-breakpoint
CREATE INDEX `refunds_app_day` ON `refunds` (`app_id`,case when resent_at is null then created_at else resent_at end) WHERE source = 'app';