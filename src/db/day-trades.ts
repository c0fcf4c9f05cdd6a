import { and, asc, eq, gte, inArray, lt, sql, type SQL } from "drizzle-orm";
import type { OurPayment, OurRefund } from "../domain/bill/compare.ts";
import type { Database } from "./database.ts";
import { apps, orders, refunds } from "./schema.ts";

/*
 * The queries of reconciliation, each for many rows. D1 allows a hundred bound values, so a list is
 * bound as one JSON value.
 */

/** The merchant's orders with these numbers, by number. */
export async function findOrdersByNumber(
  db: Database,
  merchantId: number,
  numbers: readonly string[],
): Promise<Map<string, OurPayment>> {
  const rows = await db
    .select({
      id: orders.id,
      number: orders.number,
      wechatAppId: orders.wechatAppId,
      totalFen: orders.totalFen,
      payState: orders.payState,
      transactionId: orders.transactionId,
    })
    .from(orders)
    .where(and(oneOf(orders.number, numbers), eq(orders.merchantId, merchantId)));
  return new Map(rows.map(({ number, ...row }) => [number, row]));
}

/** The refunds of the merchant's orders with these numbers (`refund_no`), by number. */
export async function findRefundsByNumber(
  db: Database,
  merchantId: number,
  numbers: readonly string[],
): Promise<Map<string, OurRefund>> {
  const rows = await db
    .select({
      id: refunds.id,
      number: refunds.number,
      orderNumber: orders.number,
      wechatAppId: orders.wechatAppId,
      refundFen: refunds.refundFen,
      state: refunds.state,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(and(oneOf(refunds.number, numbers), eq(orders.merchantId, merchantId)));
  return new Map(rows.map(({ number, ...row }) => [number, row]));
}

/** The position of a scan by time, then by id. Both are 0 at the start. */
export interface TradeCursor {
  readonly at: number;
  readonly id: number;
}

/** From `fromAt` (inclusive) to `untilAt` (exclusive), Unix ms. */
export interface Span {
  readonly fromAt: number;
  readonly untilAt: number;
}

/** A trade of ours that a bill should contain. */
export interface OurTrade {
  readonly id: number;
  readonly orderNumber: string;
  /** "" for a payment. */
  readonly refundNo: string;
  readonly fen: number;
  /** When it was paid, or the refund requested; Unix ms. */
  readonly at: number;
  /** When WeChat accepted the refund; null for a payment, or when only a query reported it. */
  readonly acceptedAt: number | null;
}

/** The merchant's payments that WeChat dates in this span, earliest first, after `cursor`. */
export async function paymentsIn(
  db: Database,
  merchantId: number,
  { fromAt, untilAt }: Span,
  cursor: TradeCursor,
  limit: number,
): Promise<OurTrade[]> {
  return await db
    .select({
      id: orders.id,
      orderNumber: orders.number,
      refundNo: sql<string>`''`,
      fen: orders.totalFen,
      at: sql<number>`${orders.paidAt}`,
      acceptedAt: sql<null>`null`,
    })
    .from(orders)
    .where(
      and(
        eq(orders.merchantId, merchantId),
        // Spelled out, since the partial index requires it.
        sql`${orders.paidAt} is not null`,
        gte(orders.paidAt, Math.max(fromAt, cursor.at)),
        lt(orders.paidAt, untilAt),
        sql`(${orders.paidAt}, ${orders.id}) > (${cursor.at}, ${cursor.id})`,
      ),
    )
    .orderBy(asc(orders.paidAt), asc(orders.id))
    .limit(limit);
}

/**
 * The merchant's refunds that an app requested in this span and WeChat accepted, earliest first,
 * after `cursor`. Refunds made in the merchant platform are excluded: we learn of them from WeChat,
 * without the time of the request.
 */
export async function refundsIn(
  db: Database,
  merchantId: number,
  { fromAt, untilAt }: Span,
  cursor: TradeCursor,
  limit: number,
): Promise<OurTrade[]> {
  return await db
    .select({
      id: refunds.id,
      orderNumber: orders.number,
      refundNo: refunds.number,
      fen: refunds.refundFen,
      at: refunds.createdAt,
      acceptedAt: refunds.acceptedAt,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(
      and(
        gte(refunds.createdAt, Math.max(fromAt, cursor.at)),
        lt(refunds.createdAt, untilAt),
        sql`(${refunds.createdAt}, ${refunds.id}) > (${cursor.at}, ${cursor.id})`,
        inArray(refunds.state, ["accepted", "abnormal", "succeeded"]),
        eq(refunds.source, "app"),
        eq(orders.merchantId, merchantId),
      ),
    )
    .orderBy(asc(refunds.createdAt), asc(refunds.id))
    .limit(limit);
}

/** A WeChat app id for requesting the merchant's bill; null when the merchant has no app. */
export async function anyWechatAppId(db: Database, merchantId: number): Promise<string | null> {
  const rows = await db
    .select({ wechatAppId: apps.wechatAppId })
    .from(apps)
    .where(eq(apps.merchantId, merchantId))
    .orderBy(sql`${apps.enabled} desc`, asc(apps.id))
    .limit(1);
  return rows[0]?.wechatAppId ?? null;
}

/** The WeChat app ids of all apps, disabled ones too. */
export async function allWechatAppIds(db: Database): Promise<ReadonlySet<string>> {
  const rows = await db.selectDistinct({ wechatAppId: apps.wechatAppId }).from(apps);
  return new Set(rows.map(({ wechatAppId }) => wechatAppId));
}

function oneOf(
  column: typeof orders.number | typeof refunds.number,
  values: readonly string[],
): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}
