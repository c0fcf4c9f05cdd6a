ALTER TABLE `apps` ADD `staged_salt_sealed` text;--> statement-breakpoint
ALTER TABLE `apps` ADD `salt_staged_at` integer;