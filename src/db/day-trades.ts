import { and, asc, eq, gte, inArray, lt, sql, type SQL } from "drizzle-orm";
import type { OurPayment, OurRefund } from "../domain/bill/compare.ts";
import type { Database } from "./database.ts";
import { apps, orders, refunds } from "./schema.ts";

/*
 * What reconciliation asks of D1: many rows by one query. D1 takes a hundred bound values, so a list
 * is bound as one, in JSON.
 */

/** The merchant's orders of these numbers, by number. */
export async function findOrdersByNumber(
  db: Database,
  merchantId: number,
  numbers: readonly string[],
): Promise<Map<string, OurPayment>> {
  const rows = await db
    .select({
      id: orders.id,
      number: orders.number,
      totalFen: orders.totalFen,
      payState: orders.payState,
      transactionId: orders.transactionId,
    })
    .from(orders)
    .where(and(oneOf(orders.number, numbers), eq(orders.merchantId, merchantId)));
  return new Map(rows.map(({ number, ...row }) => [number, row]));
}

/** The refunds of these numbers (`refund_no`) of the merchant's orders, by number. */
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
      refundFen: refunds.refundFen,
      state: refunds.state,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(and(oneOf(refunds.number, numbers), eq(orders.merchantId, merchantId)));
  return new Map(rows.map(({ number, ...row }) => [number, row]));
}

/** Where a walk through the rows of some time has come. Both 0 at first. */
export interface TradeCursor {
  readonly at: number;
  readonly id: number;
}

/** From `fromAt` on, before `untilAt`. Unix ms. */
export interface Span {
  readonly fromAt: number;
  readonly untilAt: number;
}

/** A trade of ours that some day's bill should have. */
export interface OurTrade {
  readonly id: number;
  readonly orderNumber: string;
  /** "" for a payment. */
  readonly refundNo: string;
  readonly fen: number;
  /** When it was paid, or the refund requested; Unix ms. */
  readonly at: number;
  /** When WeChat accepted the refund; null for a payment, or when only a query has shown it. */
  readonly acceptedAt: number | null;
}

/** The merchant's payments that WeChat dates in this span, the earliest first, after `place`. */
export async function paymentsIn(
  db: Database,
  merchantId: number,
  { fromAt, untilAt }: Span,
  place: TradeCursor,
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
        // Spelled out: the index holds these only.
        sql`${orders.paidAt} is not null`,
        gte(orders.paidAt, Math.max(fromAt, place.at)),
        lt(orders.paidAt, untilAt),
        sql`(${orders.paidAt}, ${orders.id}) > (${place.at}, ${place.id})`,
      ),
    )
    .orderBy(asc(orders.paidAt), asc(orders.id))
    .limit(limit);
}

/**
 * The merchant's refunds that an app asked for in this span and WeChat accepted, the earliest first,
 * after `place`. Those made in the merchant platform are left out: we know them from WeChat, and not
 * when they were applied for.
 */
export async function refundsIn(
  db: Database,
  merchantId: number,
  { fromAt, untilAt }: Span,
  place: TradeCursor,
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
        gte(refunds.createdAt, Math.max(fromAt, place.at)),
        lt(refunds.createdAt, untilAt),
        sql`(${refunds.createdAt}, ${refunds.id}) > (${place.at}, ${place.id})`,
        inArray(refunds.state, ["accepted", "abnormal", "succeeded"]),
        eq(refunds.source, "app"),
        eq(orders.merchantId, merchantId),
      ),
    )
    .orderBy(asc(refunds.createdAt), asc(refunds.id))
    .limit(limit);
}

/** A WeChat app id by which a merchant's bill is asked for; null when it has no app. */
export async function anyWechatAppId(db: Database, merchantId: number): Promise<string | null> {
  const rows = await db
    .select({ wechatAppId: apps.wechatAppId })
    .from(apps)
    .where(eq(apps.merchantId, merchantId))
    .orderBy(sql`${apps.enabled} desc`, asc(apps.id))
    .limit(1);
  return rows[0]?.wechatAppId ?? null;
}

function oneOf(
  column: typeof orders.number | typeof refunds.number,
  values: readonly string[],
): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}
