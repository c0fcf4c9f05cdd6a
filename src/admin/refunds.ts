import type { Context } from "hono";
import {
  listAllRefunds,
  locateRefunds,
  readRefundPage,
  type ListedRefund,
} from "../db/refund-list.ts";
import { yuanOf } from "../domain/yuan.ts";
import type { GatewayEnv } from "../env.ts";
import { identifierCell } from "../lib/csv.ts";
import { validate } from "./body.ts";
import { refuse } from "./errors.ts";
import { exportCsv, timeCell, tooMany, type ExportedList } from "./export.ts";
import { refundExport, refundQuery } from "./refund-schema.ts";

/** GET /admin/refunds: refunds of all orders. */
export async function getRefunds(c: Context<GatewayEnv>): Promise<Response> {
  const query = validate(c.req.query(), refundQuery);
  if (!query.ok) return refuse(c, query.error);
  const { limit, cursor: beforeId, sums, ...filter } = query.value;
  const db = c.get("work").openReplica();
  const page = await listAllRefunds(db, filter, { beforeId, limit }, sums);
  return page.ok ? c.json(page.value) : refuse(c, tooMany("sums", `${page.error.limit} refunds`));
}

/** GET /admin/refunds.csv */
export async function exportRefunds(c: Context<GatewayEnv>): Promise<Response> {
  const query = validate(c.req.query(), refundExport);
  if (!query.ok) return refuse(c, query.error);
  const filter = query.value;
  const db = c.get("work").openReplica();
  const found = await locateRefunds(db, filter);
  return await exportCsv(
    c,
    REFUNDS,
    found,
    async (page) => await readRefundPage(db, filter, found, page),
  );
}

/** Amounts in yuan, times in Beijing. */
const REFUNDS: ExportedList<ListedRefund> = {
  name: "refunds",
  narrowing: ["createdFrom", "refunds"],
  columns: [
    ["id", ({ id }) => id],
    ["number", ({ number }) => identifierCell(number)],
    ["appRefundNo", ({ appRefundNo }) => identifierCell(appRefundNo)],
    ["refundId", ({ refundId }) => identifierCell(refundId)],
    ["orderId", ({ orderId }) => orderId],
    ["orderNumber", ({ orderNumber }) => identifierCell(orderNumber)],
    ["appOrderNo", ({ appOrderNo }) => identifierCell(appOrderNo)],
    ["transactionId", ({ transactionId }) => identifierCell(transactionId)],
    ["appId", ({ appId }) => appId],
    ["merchantId", ({ merchantId }) => merchantId],
    ["refundYuan", ({ refundFen }) => yuanOf(refundFen)],
    ["state", ({ state }) => state],
    ["source", ({ source }) => source],
    ["notifyState", ({ notifyState }) => notifyState],
    ["notifyNumber", ({ notifyNumber }) => notifyNumber],
    ["createdAt", ({ createdAt }) => timeCell(createdAt)],
    ["acceptedAt", ({ acceptedAt }) => timeCell(acceptedAt)],
    ["succeededAt", ({ succeededAt }) => timeCell(succeededAt)],
    ["updatedAt", ({ updatedAt }) => timeCell(updatedAt)],
  ],
};
