ALTER TABLE `apps` ADD `notify_failed` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `orders` ADD `close_requested_at` integer;--> statement-breakpoint
ALTER TABLE `orders` ADD `close_notify_state` text;--> statement-breakpoint
ALTER TABLE `orders` ADD `close_notify_number` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `orders` ADD `close_next_call_at` integer;--> statement-breakpoint
CREATE INDEX `orders_close_failing` ON `orders` (`updated_at`) WHERE pay_state = 'failed' and close_notify_state = 'failing';--> statement-breakpoint
CREATE INDEX `orders_close_next_call` ON `orders` (`app_id`,`close_next_call_at`) WHERE pay_state = 'failed' and close_notify_state = 'failing' and close_next_call_at is not null;--> statement-breakpoint
CREATE INDEX `orders_close_no_next_call` ON `orders` (`app_id`,`updated_at`) WHERE pay_state = 'failed' and close_notify_state = 'failing' and close_next_call_at is null;