import { and, asc, eq, gte, lt, sql } from "drizzle-orm";
import { LATEST_WAITS, MAX_WAIT_MS } from "../contract/callback/schedule.ts";
import type { Database } from "./database.ts";
import { orders, refunds } from "./schema.ts";

/**
 * What the sweep looks through: the orders that ought to have a timer, a stretch at a time. Each
 * list is read along the primary key or along a partial index, so that orders pay for no index of
 * the sweep's own. A partial index is used only where its condition is spelt out, not bound.
 */

/** An order to look after. `at` is where it stands on the way: an id, or a time. */
export interface Candidate {
  readonly number: string;
  readonly at: number;
}

/** Part of the way: its candidates in order, and where the next part begins if these are all. */
export interface Page {
  readonly candidates: readonly Candidate[];
  readonly end: number;
}

/** Which part is asked for. */
export interface ScanWindow {
  /** Where it begins, inclusive. */
  readonly from: number;
  /** What was last written to at or after this (Unix ms) may still be in good hands. */
  readonly before: number;
  /** How many candidates. */
  readonly limit: number;
}

/** Rows that one stretch of orders looks through at most: less than a second of D1's. */
const MAX_ROWS = 50_000;

/**
 * Orders made before `reach.before` that wait for their payment, or are paid and their app not
 * called. Along the ids; it ends at the first order that is too young, for ids and times of orders
 * made at once may be the other way round.
 */
export async function unfinishedOrders(db: Database, reach: ScanWindow): Promise<Page> {
  const limit = reach.from + MAX_ROWS;
  const [young] = await db
    .select({ id: orders.id })
    .from(orders)
    .where(
      and(gte(orders.id, reach.from), lt(orders.id, limit), gte(orders.createdAt, reach.before)),
    )
    .orderBy(asc(orders.id))
    .limit(1);
  const [last] = await db.select({ id: sql<number | null>`max(${orders.id})` }).from(orders);
  const end = young?.id ?? Math.max(reach.from, Math.min(limit, (last?.id ?? 0) + 1));
  const candidates = await db
    .select({ number: orders.number, at: orders.id })
    .from(orders)
    .where(
      and(
        gte(orders.id, reach.from),
        lt(orders.id, end),
        sql`(${orders.payState} = 'waiting' or ${orders.payState} = 'paid' and ${orders.payNotifyState} = 'none')`,
      ),
    )
    .orderBy(asc(orders.id))
    .limit(reach.limit);
  return { candidates, end };
}

/** Paid orders whose app has failed so far and was last called before `reach.before`. */
export async function failingOrders(db: Database, reach: ScanWindow): Promise<Page> {
  const candidates = await db
    .select({ number: orders.number, at: orders.updatedAt })
    .from(orders)
    .where(
      and(
        sql`${orders.payNotifyState} = 'failing'`,
        gte(orders.updatedAt, reach.from),
        lt(orders.updatedAt, reach.before),
      ),
    )
    .orderBy(asc(orders.updatedAt))
    .limit(reach.limit);
  return { candidates, end: reach.before };
}

/**
 * Paid orders whose next call should have been made before `reach.before`, by how often their app
 * was called; not those last called so long ago that `failingOrders` comes past them. All of them
 * each time, for one that was put off by its app's `Retry-After` is among them until it was called.
 */
export async function overdueOrders(db: Database, reach: ScanWindow): Promise<Page> {
  const waits = LATEST_WAITS.map((wait, index) => sql`when ${index + 1} then ${wait}`);
  const dueAt = sql`${orders.updatedAt} + case ${orders.payNotifyNumber} ${sql.join(waits, sql` `)} end`;
  const candidates = await db
    .select({ number: orders.number, at: orders.updatedAt })
    .from(orders)
    .where(
      and(
        sql`${orders.payNotifyState} = 'failing'`,
        gte(orders.updatedAt, reach.before - MAX_WAIT_MS),
        lt(dueAt, reach.before),
      ),
    )
    .orderBy(asc(orders.updatedAt))
    .limit(reach.limit);
  return { candidates, end: reach.before };
}

/** Orders with a refund that is open, or whose app hasn't confirmed it. What WeChat refused is neither. */
export async function unfinishedRefunds(db: Database, reach: ScanWindow): Promise<Page> {
  const candidates = await db
    .select({ number: orders.number, at: refunds.updatedAt })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(
      and(
        sql`(${refunds.notifyState} <> 'confirmed' or ${refunds.state} = 'abnormal')`,
        sql`${refunds.state} <> 'refused'`,
        gte(refunds.updatedAt, reach.from),
        lt(refunds.updatedAt, reach.before),
      ),
    )
    .orderBy(asc(refunds.updatedAt))
    .limit(reach.limit);
  return { candidates, end: reach.before };
}
