DROP INDEX `refunds_unfinished_by_app`;--> statement-breakpoint
ALTER TABLE `refunds` ADD `released` text;--> statement-breakpoint
ALTER TABLE `refunds` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `refunds` ADD `funds_account` text;--> statement-breakpoint
CREATE INDEX `refunds_open_by_app` ON `refunds` (`app_id`,`updated_at`) WHERE (state in ('requested', 'accepted', 'abnormal') or notify_state = 'none' and (state <> 'refused' or released is null));--> statement-breakpoint
ALTER TABLE `merchants` ADD `refund_funds` text DEFAULT 'unsettled' NOT NULL;