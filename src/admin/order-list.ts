import type { Context } from "hono";
import { sizeOf } from "../db/id-range.ts";
import {
  listOrders,
  locateOrders,
  readOrderPage,
  type OrderWithRefunds,
} from "../db/order-list.ts";
import { yuanOf } from "../domain/yuan.ts";
import type { GatewayEnv } from "../env.ts";
import { identifierCell, textCell } from "../lib/csv.ts";
import { validate } from "./body.ts";
import { refuse } from "./errors.ts";
import {
  exportCsv,
  MAX_EXPORTED_ROWS,
  ROWS_PER_TRIP,
  timeCell,
  tooMany,
  type Column,
} from "./export.ts";
import { findTransaction } from "./find-transaction.ts";
import { orderExport, orderQuery } from "./order-schema.ts";

/**
 * GET /admin/orders. A transaction that no order has is looked for at WeChat; then `wechat` tells what
 * WeChat answered.
 */
export async function getOrders(c: Context<GatewayEnv>): Promise<Response> {
  const query = validate(c.req.query(), orderQuery);
  if (!query.ok) return refuse(c, query.error);
  const { limit, cursor: beforeId, sums, ...asked } = query.value;
  const db = c.get("work").openReplica();
  const search = await findTransaction(c.get("work"), db, asked);
  if (!search.ok) return refuse(c, search.error);
  const { filter, wechat } = search.value;
  const page = await listOrders(db, filter, { beforeId, limit }, sums);
  if (!page.ok) return refuse(c, tooMany("sums", `${page.error.limit} orders`));
  return c.json({ ...page.value, wechat });
}

/** GET /admin/orders.csv */
export async function exportOrders(c: Context<GatewayEnv>): Promise<Response> {
  const query = validate(c.req.query(), orderExport);
  if (!query.ok) return refuse(c, query.error);
  const db = c.get("work").openReplica();
  const search = await findTransaction(c.get("work"), db, query.value);
  if (!search.ok) return refuse(c, search.error);
  const { filter } = search.value;
  const found = await locateOrders(db, filter);
  if (sizeOf(found) > MAX_EXPORTED_ROWS) {
    return refuse(c, tooMany("createdFrom", `${MAX_EXPORTED_ROWS} orders`));
  }
  return await exportCsv(
    c,
    "orders",
    COLUMNS,
    async (beforeId) => await readOrderPage(db, filter, found, { beforeId, limit: ROWS_PER_TRIP }),
  );
}

/** Amounts in yuan, times in Beijing; never an openId. */
const COLUMNS: readonly Column<OrderWithRefunds>[] = [
  ["id", ({ id }) => id],
  ["number", ({ number }) => identifierCell(number)],
  ["appId", ({ appId }) => appId],
  ["merchantId", ({ merchantId }) => merchantId],
  ["userId", ({ userId }) => userId],
  ["appOrderNo", ({ appOrderNo }) => identifierCell(appOrderNo)],
  ["desc", ({ desc }) => textCell(desc)],
  ["tag", ({ tag }) => textCell(tag)],
  ["attach", ({ attach }) => textCell(attach)],
  ["totalYuan", ({ totalFen }) => yuanOf(totalFen)],
  ["refundedYuan", ({ refundedFen }) => yuanOf(refundedFen)],
  ["payState", ({ payState }) => payState],
  ["transactionId", ({ transactionId }) => identifierCell(transactionId)],
  ["paidAt", ({ paidAt }) => timeCell(paidAt)],
  ["payNotifyState", ({ payNotifyState }) => payNotifyState],
  ["payNotifyNumber", ({ payNotifyNumber }) => payNotifyNumber],
  ["createdAt", ({ createdAt }) => timeCell(createdAt)],
  ["expiresAt", ({ expiresAt }) => timeCell(expiresAt)],
  ["updatedAt", ({ updatedAt }) => timeCell(updatedAt)],
];
