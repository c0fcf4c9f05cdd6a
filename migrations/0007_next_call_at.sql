DROP INDEX `refunds_unfinished`;--> statement-breakpoint
ALTER TABLE `refunds` ADD `next_call_at` integer;--> statement-breakpoint
CREATE INDEX `refunds_unfinished_by_app` ON `refunds` (`app_id`,`updated_at`) WHERE (state in ('requested', 'accepted', 'abnormal') or notify_state = 'none' and state <> 'refused');--> statement-breakpoint
CREATE INDEX `refunds_failing` ON `refunds` (`updated_at`) WHERE notify_state = 'failing';--> statement-breakpoint
CREATE INDEX `refunds_next_call` ON `refunds` (`app_id`,`next_call_at`) WHERE notify_state = 'failing' and next_call_at is not null;--> statement-breakpoint
CREATE INDEX `refunds_no_next_call` ON `refunds` (`app_id`,`updated_at`) WHERE notify_state = 'failing' and next_call_at is null;--> statement-breakpoint
ALTER TABLE `cursors` ADD `behind` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `orders` ADD `next_call_at` integer;--> statement-breakpoint
CREATE INDEX `orders_next_call` ON `orders` (`app_id`,`next_call_at`) WHERE pay_notify_state = 'failing' and next_call_at is not null;--> statement-breakpoint
CREATE INDEX `orders_no_next_call` ON `orders` (`app_id`,`updated_at`) WHERE pay_notify_state = 'failing' and next_call_at is null;--> statement-breakpoint
-- Calls that were planned before: at the latest then, by the schedule. One that an app put off is
-- later, and only looks overdue until it is made; one whose schedule has ended stays null.
UPDATE `orders` SET `next_call_at` = `updated_at` + CASE `pay_notify_number` WHEN 1 THEN 16500 WHEN 2 THEN 16500 WHEN 3 THEN 33000 WHEN 4 THEN 198000 WHEN 5 THEN 660000 WHEN 6 THEN 1320000 WHEN 7 THEN 1980000 WHEN 8 THEN 1980000 WHEN 9 THEN 1980000 WHEN 10 THEN 3960000 WHEN 11 THEN 11880000 WHEN 12 THEN 11880000 WHEN 13 THEN 11880000 WHEN 14 THEN 23760000 WHEN 15 THEN 23760000 END WHERE pay_notify_state = 'failing';--> statement-breakpoint
UPDATE `refunds` SET `next_call_at` = `updated_at` + CASE `notify_number` WHEN 1 THEN 16500 WHEN 2 THEN 16500 WHEN 3 THEN 33000 WHEN 4 THEN 198000 WHEN 5 THEN 660000 WHEN 6 THEN 1320000 WHEN 7 THEN 1980000 WHEN 8 THEN 1980000 WHEN 9 THEN 1980000 WHEN 10 THEN 3960000 WHEN 11 THEN 11880000 WHEN 12 THEN 11880000 WHEN 13 THEN 11880000 WHEN 14 THEN 23760000 WHEN 15 THEN 23760000 END WHERE notify_state = 'failing';
