ALTER TABLE `reconciliations` ADD `foreign_lines` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `reconciliations` ADD `foreign_fen` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `reconciliations` ADD `foreign_refund_fen` integer DEFAULT 0 NOT NULL;