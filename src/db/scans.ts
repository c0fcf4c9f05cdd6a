import { and, asc, eq, gte, lt, sql } from "drizzle-orm";
import { LATEST_WAITS, MAX_WAIT_MS } from "../contract/callback/schedule.ts";
import type { Database } from "./database.ts";
import { orders, refunds } from "./schema.ts";

/**
 * The sweep's queries: orders that should have a timer, one page at a time. Each list is read along
 * the primary key or a partial index, so that the sweep needs no index of its own. SQLite uses a
 * partial index only where its condition is spelled out, not bound.
 */

/** An order to check. `at` is its position in the scan: an id or a time. */
export interface Candidate {
  readonly number: string;
  readonly at: number;
}

/** One page of a scan: its candidates in order, and where the next page starts after them. */
export interface Page {
  readonly candidates: readonly Candidate[];
  readonly end: number;
}

/** The part of a scan to read. */
export interface ScanWindow {
  /** First position, inclusive. */
  readonly from: number;
  /** Unix ms: rows written at or after this time may still have their timer. */
  readonly before: number;
  /** Maximum number of candidates. */
  readonly limit: number;
}

/** Orders that one page scans at most: less than a second of D1's time. */
const MAX_ROWS = 50_000;

/**
 * Orders created before `window.before` that wait for their payment, or are paid but whose app
 * hasn't been called. Scans by id and ends at the first order that is too recent: orders created at
 * the same time may have ids and times in different orders.
 */
export async function unfinishedOrders(db: Database, window: ScanWindow): Promise<Page> {
  const limit = window.from + MAX_ROWS;
  const [recent] = await db
    .select({ id: orders.id })
    .from(orders)
    .where(
      and(gte(orders.id, window.from), lt(orders.id, limit), gte(orders.createdAt, window.before)),
    )
    .orderBy(asc(orders.id))
    .limit(1);
  const [last] = await db.select({ id: sql<number | null>`max(${orders.id})` }).from(orders);
  const end = recent?.id ?? Math.max(window.from, Math.min(limit, (last?.id ?? 0) + 1));
  const candidates = await db
    .select({ number: orders.number, at: orders.id })
    .from(orders)
    .where(
      and(
        gte(orders.id, window.from),
        lt(orders.id, end),
        sql`(${orders.payState} = 'waiting' or ${orders.payState} = 'paid' and ${orders.payNotifyState} = 'none')`,
      ),
    )
    .orderBy(asc(orders.id))
    .limit(window.limit);
  return { candidates, end };
}

/** Paid orders with failed calls to their app only, last called before `window.before`. */
export async function failingOrders(db: Database, window: ScanWindow): Promise<Page> {
  const candidates = await db
    .select({ number: orders.number, at: orders.updatedAt })
    .from(orders)
    .where(
      and(
        sql`${orders.payNotifyState} = 'failing'`,
        gte(orders.updatedAt, window.from),
        lt(orders.updatedAt, window.before),
      ),
    )
    .orderBy(asc(orders.updatedAt))
    .limit(window.limit);
  return { candidates, end: window.before };
}

/**
 * Paid orders whose next call was due before `window.before`, given the number of calls so far;
 * without those last called so long ago that `failingOrders` finds them. All of them every time: an
 * order postponed by its app's `Retry-After` stays in the list until it is called.
 */
export async function overdueOrders(db: Database, window: ScanWindow): Promise<Page> {
  const waits = LATEST_WAITS.map((wait, index) => sql`when ${index + 1} then ${wait}`);
  const dueAt = sql`${orders.updatedAt} + case ${orders.payNotifyNumber} ${sql.join(waits, sql` `)} end`;
  const candidates = await db
    .select({ number: orders.number, at: orders.updatedAt })
    .from(orders)
    .where(
      and(
        sql`${orders.payNotifyState} = 'failing'`,
        gte(orders.updatedAt, window.before - MAX_WAIT_MS),
        lt(dueAt, window.before),
      ),
    )
    .orderBy(asc(orders.updatedAt))
    .limit(window.limit);
  return { candidates, end: window.before };
}

/** Orders with an open refund, or one that the app hasn't confirmed. Refused refunds are neither. */
export async function unfinishedRefunds(db: Database, window: ScanWindow): Promise<Page> {
  const candidates = await db
    .select({ number: orders.number, at: refunds.updatedAt })
    .from(refunds)
    .innerJoin(orders, eq(orders.id, refunds.orderId))
    .where(
      and(
        sql`(${refunds.notifyState} <> 'confirmed' or ${refunds.state} = 'abnormal')`,
        sql`${refunds.state} <> 'refused'`,
        gte(refunds.updatedAt, window.from),
        lt(refunds.updatedAt, window.before),
      ),
    )
    .orderBy(asc(refunds.updatedAt))
    .limit(window.limit);
  return { candidates, end: window.before };
}
