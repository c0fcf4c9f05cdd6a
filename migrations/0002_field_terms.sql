ALTER TABLE `marks` RENAME TO `cursors`;--> statement-breakpoint
ALTER TABLE `reconciliations` RENAME COLUMN "settled" TO "recovered";--> statement-breakpoint
ALTER TABLE `incidents` ADD `request_id` text;--> statement-breakpoint
ALTER TABLE `refunds` ADD `accepted_at` integer;