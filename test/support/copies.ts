import { env } from "cloudflare:workers";
import type { OrderRef } from "./scenario.ts";

/**
 * Columns of a copy that differ from the original's, as SQL: `i` is the copy's number from 1. None
 * of them comes from outside of a test.
 */
type Changes = Readonly<Record<string, string>>;

const COUNT = "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)";

/**
 * Stores `count` copies of the order under new numbers, in one statement. Their objects don't have
 * any timer.
 */
export async function copyOrder(
  { id }: Pick<OrderRef, "id">,
  count: number,
  changes: Changes = {},
): Promise<void> {
  await copyRow("orders", id, count, {
    app_order_no: "null",
    transaction_id: "transaction_id || '-' || hex(randomblob(8))",
    ...changes,
  });
}

/** Stores `count` copies of the refund under new numbers, of the same order unless changed. */
export async function copyRefund(
  { id }: { readonly id: number },
  count: number,
  changes: Changes = {},
): Promise<void> {
  await copyRow("refunds", id, count, { app_refund_no: "null", ...changes });
}

async function copyRow(
  table: "orders" | "refunds",
  id: number,
  count: number,
  changes: Changes,
): Promise<void> {
  const { results } = await env.DB.prepare("select name from pragma_table_info(?)")
    .bind(table)
    .all<{ name: string }>();
  const values: Changes = { id: "null", number: "lower(hex(randomblob(16)))", ...changes };
  const columns = results.map(({ name }) => `${values[name] ?? `"${name}"`} as "${name}"`);
  await env.DB.prepare(
    `insert into ${table} ${COUNT} select ${columns.join(", ")} from n, ${table} where id = ?`,
  )
    .bind(count, id)
    .run();
}
