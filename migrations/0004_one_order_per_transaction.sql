ALTER TABLE `orders` ADD `transaction_duplicate_of` integer;--> statement-breakpoint
-- Orders of one merchant that share a transaction: all rows stay. All but the first are marked, which
-- keeps them out of the unique index, and an incident is opened for each.
UPDATE `orders` SET `transaction_duplicate_of` = `shared`.`first_id`
FROM (
	SELECT `merchant_id`, `transaction_id`, min(`id`) AS `first_id` FROM `orders`
	WHERE `transaction_id` IS NOT NULL
	GROUP BY `merchant_id`, `transaction_id` HAVING count(*) > 1
) AS `shared`
WHERE `orders`.`merchant_id` = `shared`.`merchant_id`
	AND `orders`.`transaction_id` = `shared`.`transaction_id`
	AND `orders`.`id` <> `shared`.`first_id`;--> statement-breakpoint
INSERT INTO `incidents` (`kind`, `subject`, `merchant_id`, `order_number`, `facts`, `seen`, `created_at`, `last_seen_at`)
SELECT 'payment_contradiction', `duplicate`.`number`, `duplicate`.`merchant_id`, `duplicate`.`number`,
	json_object(
		'what', 'transaction-of-another-order',
		'transactionId', `duplicate`.`transaction_id`,
		'totalFen', `duplicate`.`total_fen`,
		'otherOrder', `first`.`number`,
		'recorded', json('true')
	),
	1, unixepoch() * 1000, unixepoch() * 1000
FROM `orders` AS `duplicate` JOIN `orders` AS `first` ON `first`.`id` = `duplicate`.`transaction_duplicate_of`
WHERE `duplicate`.`transaction_duplicate_of` IS NOT NULL
ON CONFLICT (`kind`, `subject`) WHERE `resolved_at` IS NULL DO UPDATE SET
	`seen` = `seen` + 1, `facts` = `excluded`.`facts`, `last_seen_at` = `excluded`.`last_seen_at`,
	`request_id` = NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `orders_merchant_transaction` ON `orders` (`merchant_id`,`transaction_id`) WHERE transaction_id is not null and transaction_duplicate_of is null;
