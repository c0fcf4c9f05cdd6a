import { and, desc, eq, gte, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Database } from "./database.ts";
import { orders, refunds } from "./schema.ts";

/** A delivery that has failed so far, and where it stands in its list. */
export interface FailingDelivery {
  readonly orderNumber: string;
  /** Null for the payment's. */
  readonly refundNo: string | null;
  /** Of the last call, Unix ms. */
  readonly lastCallAt: number;
  /** The order's id, or the refund's. */
  readonly id: number;
}

/** Which of them. */
export interface FailingFilter {
  /** Unix ms: their last call was then or later. */
  readonly since: number;
  readonly appId?: number | undefined;
}

/** The end of an earlier page; null for the first one. */
export type FailingPlace = Pick<FailingDelivery, "lastCallAt" | "id"> | null;

/*
 * The last called first: calls that are made meanwhile move a row ahead of the page, where it isn't
 * met again. A failing row is written to by its calls only, so `updated_at` is the last call's time.
 */

/** Failing deliveries of payments, at most `limit`. By the partial index: its condition is spelt out. */
export async function failingPayments(
  db: Database,
  { since, appId }: FailingFilter,
  after: FailingPlace,
  limit: number,
): Promise<FailingDelivery[]> {
  return await db
    .select({
      orderNumber: orders.number,
      refundNo: sql<null>`null`,
      lastCallAt: orders.updatedAt,
      id: orders.id,
    })
    .from(orders)
    .where(
      and(
        sql`${orders.payNotifyState} = 'failing'`,
        gte(orders.updatedAt, since),
        behind(orders.updatedAt, orders.id, after),
        appId === undefined ? undefined : eq(orders.appId, appId),
      ),
    )
    .orderBy(desc(orders.updatedAt), desc(orders.id))
    .limit(limit);
}

/** Failing deliveries of refunds, likewise. */
export async function failingRefunds(
  db: Database,
  { since, appId }: FailingFilter,
  after: FailingPlace,
  limit: number,
): Promise<FailingDelivery[]> {
  return await db
    .select({
      orderNumber: orders.number,
      refundNo: refunds.number,
      lastCallAt: refunds.updatedAt,
      id: refunds.id,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(
      and(
        sql`(${refunds.notifyState} <> 'confirmed' or ${refunds.state} = 'abnormal')`,
        sql`${refunds.notifyState} = 'failing'`,
        gte(refunds.updatedAt, since),
        behind(refunds.updatedAt, refunds.id, after),
        appId === undefined ? undefined : eq(refunds.appId, appId),
      ),
    )
    .orderBy(desc(refunds.updatedAt), desc(refunds.id))
    .limit(limit);
}

function behind(at: SQLiteColumn, id: SQLiteColumn, after: FailingPlace): SQL | undefined {
  return after === null ? undefined : sql`(${at}, ${id}) < (${after.lastCallAt}, ${after.id})`;
}
