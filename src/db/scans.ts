import { and, asc, gte, lt, sql } from "drizzle-orm";
import {
  CLOSE_CALL_PLANNED,
  NO_CLOSE_CALL_PLANNED,
  NO_PAYMENT_CALL_PLANNED,
  NO_REFUND_CALL_PLANNED,
  PAYMENT_CALL_PLANNED,
  REFUND_CALL_PLANNED,
  REFUND_UNFINISHED,
} from "./conditions.ts";
import type { Database } from "./database.ts";
import {
  readIndexedPage,
  readPage,
  type IndexedList,
  type Page,
  type ScanWindow,
} from "./scan-page.ts";
import { orders } from "./schema.ts";

/**
 * The sweep's queries: orders that should have a timer, one page at a time. Each list is read along
 * the primary key or a partial index that is empty, or nearly so, in normal operation.
 */

/**
 * Orders that one page scans at most: in ten minutes 250 new ones a second. If all of them are a
 * flood of waiting orders, less than a second of D1's time; usually some milliseconds.
 */
const MAX_ROWS = 150_000;
/** Orders that one page scans at most for each app that is behind. */
const MAX_ROWS_BEHIND = 20_000;

const UNFINISHED = sql`(pay_state = 'waiting' or pay_state = 'paid' and pay_notify_state = 'none' or pay_state = 'failed' and close_notify_state = 'none')`;

/**
 * Orders created before `window.before` that wait for their payment, or are paid or ended unpaid but
 * whose app hasn't been called about it. Scans by id and ends at the first order that is too recent: orders created at
 * the same time may have ids and times in different orders. There is no index by app, so an app that
 * is behind is read apart, at its own place and a part at a time: it must not hold up the others.
 */
export async function unfinishedOrders(db: Database, window: ScanWindow): Promise<Page> {
  const { from, behind, limit } = window;
  const end = await endOfOrders(db, window);
  const stops = behind
    .map(({ appId, at }) => ({ appId, at: at + MAX_ROWS_BEHIND, id: 0 }))
    .filter(({ at }) => at < end);
  const places = JSON.stringify(behind);
  const candidates = await readPage(
    db,
    sql`select app_id, number, id as at, id from orders
        where id >= ${from} and id < ${end} and ${UNFINISHED}
          and app_id not in (select value ->> 'appId' from json_each(${places}))
        union all
        select listed.app_id, listed.number, listed.id as at, listed.id
        from json_each(${places}) as place
        cross join orders as listed on listed.id in (
          select id from orders
          where id >= max(place.value ->> 'at', (place.value ->> 'id') + 1)
            and id < min((place.value ->> 'at') + ${MAX_ROWS_BEHIND}, ${end})
            and app_id = place.value ->> 'appId' and ${UNFINISHED}
          order by id limit ${limit + 1}
        )`,
    limit,
  );
  return { candidates, end, stops };
}

/** The id at which a page of orders ends: of the first one that is too recent, or after the last one. */
async function endOfOrders(db: Database, { from, before }: ScanWindow): Promise<number> {
  const limit = from + MAX_ROWS;
  const [recent] = await db
    .select({ id: orders.id })
    .from(orders)
    .where(and(gte(orders.id, from), lt(orders.id, limit), gte(orders.createdAt, before)))
    .orderBy(asc(orders.id))
    .limit(1);
  if (recent !== undefined) return recent.id;
  const [last] = await db.select({ id: sql<number | null>`max(${orders.id})` }).from(orders);
  return Math.max(from, Math.min(limit, (last?.id ?? 0) + 1));
}

type ReadPage = (db: Database, window: ScanWindow) => Promise<Page>;

function pagesOf(list: IndexedList): ReadPage {
  return async (db, window) => await readIndexedPage(db, list, window);
}

/** Orders with an open refund, or one whose app was never called, last changed before `window.before`. */
export const unfinishedRefunds = pagesOf({
  table: "refunds",
  condition: REFUND_UNFINISHED,
  at: sql`updated_at`,
});

/** Orders whose app should have been called again about the payment before `window.before`. */
export const overduePayments = pagesOf({
  table: "orders",
  condition: PAYMENT_CALL_PLANNED,
  at: sql`next_call_at`,
});

/** Orders whose app should have been called again about a refund before `window.before`. */
export const overdueRefunds = pagesOf({
  table: "refunds",
  condition: REFUND_CALL_PLANNED,
  at: sql`next_call_at`,
});

/** Orders whose app should have been called again, before `window.before`, about their end unpaid. */
export const overdueCloses = pagesOf({
  table: "orders",
  condition: CLOSE_CALL_PLANNED,
  at: sql`close_next_call_at`,
});

/** Orders whose app hasn't confirmed the payment, last called before `window.before`, with no call planned. */
export const unplannedPayments = pagesOf({
  table: "orders",
  condition: NO_PAYMENT_CALL_PLANNED,
  at: sql`updated_at`,
});

/** As `unplannedPayments`, about an order that ended unpaid. */
export const unplannedCloses = pagesOf({
  table: "orders",
  condition: NO_CLOSE_CALL_PLANNED,
  at: sql`updated_at`,
});

/** As `unplannedPayments`, about a refund. */
export const unplannedRefunds = pagesOf({
  table: "refunds",
  condition: NO_REFUND_CALL_PLANNED,
  at: sql`updated_at`,
});
