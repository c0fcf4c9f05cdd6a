import { and, asc, desc, eq, gte, lt, sql, type SQL } from "drizzle-orm";
import { PAYMENT_FAILING } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { orders, refunds } from "./schema.ts";

/** The filter of the admin API's list; absent fields match everything. */
export interface OrderFilter {
  readonly appId?: number | undefined;
  readonly merchantId?: number | undefined;
  readonly payState?: OrderRow["payState"] | undefined;
  readonly payNotifyState?: OrderRow["payNotifyState"] | undefined;
  readonly number?: string | undefined;
  readonly appOrderNo?: string | undefined;
  /** Unix ms, inclusive. */
  readonly createdFrom?: number | undefined;
  /** Unix ms, exclusive. */
  readonly createdBefore?: number | undefined;
}

/**
 * At most `limit` orders with an id below `beforeId`, newest first. For the operator: the hot path
 * never queries across orders.
 */
export async function listOrders(
  db: Database,
  filter: OrderFilter,
  beforeId: number,
  limit: number,
): Promise<OrderRow[]> {
  // The unary plus keeps the planner off the primary key, where it would scan all other orders.
  const id = filter.payNotifyState === "failing" ? sql`+${orders.id}` : sql`${orders.id}`;
  return await db
    .select()
    .from(orders)
    .where(and(lt(id, beforeId), ...conditionsOf(filter)))
    .orderBy(desc(id))
    .limit(limit);
}

/** An order's refunds, oldest first. */
export async function listRefunds(db: Database, orderId: number): Promise<RefundRow[]> {
  return await db
    .select()
    .from(refunds)
    .where(eq(refunds.orderId, orderId))
    .orderBy(asc(refunds.id));
}

function conditionsOf(filter: OrderFilter): SQL[] {
  const conditions: SQL[] = [];
  if (filter.appId !== undefined) conditions.push(eq(orders.appId, filter.appId));
  if (filter.merchantId !== undefined) conditions.push(eq(orders.merchantId, filter.merchantId));
  if (filter.payState !== undefined) conditions.push(eq(orders.payState, filter.payState));
  if (filter.payNotifyState !== undefined) {
    conditions.push(notifyStateIs(filter.payNotifyState));
  }
  if (filter.number !== undefined) conditions.push(eq(orders.number, filter.number));
  if (filter.appOrderNo !== undefined) conditions.push(eq(orders.appOrderNo, filter.appOrderNo));
  if (filter.createdFrom !== undefined) conditions.push(gte(orders.createdAt, filter.createdFrom));
  if (filter.createdBefore !== undefined) {
    conditions.push(lt(orders.createdAt, filter.createdBefore));
  }
  return conditions;
}

/** `failing` is the condition of a partial index, which a bound value wouldn't imply. */
function notifyStateIs(state: OrderRow["payNotifyState"]): SQL {
  return state === "failing" ? PAYMENT_FAILING : eq(orders.payNotifyState, state);
}
