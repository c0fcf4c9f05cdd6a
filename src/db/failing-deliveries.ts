import { and, desc, eq, gte, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Database } from "./database.ts";
import type { DeliveryEvent } from "../domain/states.ts";
import { CLOSE_FAILING, PAYMENT_FAILING, REFUND_FAILING } from "./conditions.ts";
import { orders, refunds } from "./schema.ts";

/** A delivery without a confirmed call, and its position in the list. */
export interface FailingDelivery {
  readonly event: DeliveryEvent;
  readonly orderNumber: string;
  /** Null for an order itself. */
  readonly refundNo: string | null;
  /** Time of the last call, Unix ms. */
  readonly lastCallAt: number;
  /** The order's id, or the refund's. */
  readonly id: number;
}

/** The filter of the lists. */
export interface FailingFilter {
  /** Unix ms: last called at or after this time. */
  readonly since: number;
  readonly appId?: number | undefined;
}

/** The end of an earlier page; null for the first one. */
export type FailingCursor = Pick<FailingDelivery, "lastCallAt" | "id"> | null;

/*
 * Most recently called first: a call made meanwhile moves its row before the page, where the scan
 * doesn't meet it again. Only calls update a failing row, so `updated_at` is the last call's time.
 */

/** At most `limit` failing deliveries of payments. */
export async function failingPayments(
  db: Database,
  filter: FailingFilter,
  after: FailingCursor,
  limit: number,
): Promise<FailingDelivery[]> {
  return await failingOrders(
    db,
    { event: "pay", condition: PAYMENT_FAILING },
    filter,
    after,
    limit,
  );
}

/** At most `limit` failing deliveries about orders that ended unpaid. */
export async function failingCloses(
  db: Database,
  filter: FailingFilter,
  after: FailingCursor,
  limit: number,
): Promise<FailingDelivery[]> {
  return await failingOrders(
    db,
    { event: "close", condition: CLOSE_FAILING },
    filter,
    after,
    limit,
  );
}

async function failingOrders(
  db: Database,
  { event, condition }: { readonly event: "pay" | "close"; readonly condition: SQL },
  { since, appId }: FailingFilter,
  after: FailingCursor,
  limit: number,
): Promise<FailingDelivery[]> {
  return await db
    .select({
      event: sql<typeof event>`${event}`,
      orderNumber: orders.number,
      refundNo: sql<null>`null`,
      lastCallAt: orders.updatedAt,
      id: orders.id,
    })
    .from(orders)
    .where(
      and(
        condition,
        gte(orders.updatedAt, since),
        behind(orders.updatedAt, orders.id, after),
        appId === undefined ? undefined : eq(orders.appId, appId),
      ),
    )
    .orderBy(desc(orders.updatedAt), desc(orders.id))
    .limit(limit);
}

/** At most `limit` failing deliveries of refunds. */
export async function failingRefunds(
  db: Database,
  { since, appId }: FailingFilter,
  after: FailingCursor,
  limit: number,
): Promise<FailingDelivery[]> {
  return await db
    .select({
      event: sql<"refund">`'refund'`,
      orderNumber: orders.number,
      refundNo: refunds.number,
      lastCallAt: refunds.updatedAt,
      id: refunds.id,
    })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(
      and(
        REFUND_FAILING,
        gte(refunds.updatedAt, since),
        behind(refunds.updatedAt, refunds.id, after),
        appId === undefined ? undefined : eq(refunds.appId, appId),
      ),
    )
    .orderBy(desc(refunds.updatedAt), desc(refunds.id))
    .limit(limit);
}

function behind(at: SQLiteColumn, id: SQLiteColumn, after: FailingCursor): SQL | undefined {
  return after === null ? undefined : sql`(${at}, ${id}) < (${after.lastCallAt}, ${after.id})`;
}
