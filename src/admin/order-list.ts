import type { Context } from "hono";
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
import { exportCsv, timeCell, tooMany, type ExportedList } from "./export.ts";
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
  return await exportCsv(
    c,
    ORDERS,
    found,
    async (page) => await readOrderPage(db, filter, found, page),
  );
}

/** Amounts in yuan, times in Beijing; never an openId. */
const ORDERS: ExportedList<OrderWithRefunds> = {
  name: "orders",
  narrowing: ["createdFrom", "orders"],
  columns: [
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
  ],
};
