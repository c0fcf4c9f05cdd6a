import { and, asc, desc, eq, sql, type SQL } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import { isLiveRefund } from "./conditions.ts";
import type { Database } from "./database.ts";
import {
  allOf,
  endOfIds,
  FIRST_ID,
  idFrom,
  idPageOf,
  idUntil,
  locate,
  MAX_SUMMED_ROWS,
  partOf,
  sizeOf,
  type IdPage,
  type PageRequest,
  type TooMany,
  type Whereabouts,
} from "./id-range.ts";
import {
  conditionOf,
  indexedSets,
  lookedUp,
  ordersByAnyNumber,
  payersWith,
  type OrderFilter,
} from "./order-filter.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { orders, refunds } from "./schema.ts";

/*
 * Lists of orders, for the operator: the hot path never queries across orders. A page takes two
 * trips: the first one finds out where its rows are, the second one reads them.
 */

/**
 * An order can be paid for seven days (W-33); a day more for clocks. So orders that were paid at
 * `paidFrom` or later were created less than this before.
 */
const MAX_PAYMENT_DELAY_MS = 8 * 24 * 3600_000;

/** WeChat's clock dates a payment; it may be this far behind the clock that dates the order, in ms. */
const WECHAT_CLOCK_TOLERANCE_MS = 10 * 60_000;

/** Amounts of all orders that match a filter, whatever the page. */
export interface OrderSums {
  readonly orders: number;
  readonly totalFen: number;
  /** Refunded or being refunded, as the contract's `refund_free`. */
  readonly refundedFen: number;
}

/** A page of orders, newest first, and with `withSums` the sums of the whole list. */
export async function listOrders(
  db: Database,
  filter: OrderFilter,
  page: PageRequest,
  withSums = false,
): Promise<Result<IdPage<OrderRow> & { readonly sums?: OrderSums }, TooMany>> {
  const found = await locateOrders(db, filter);
  if (withSums && sizeOf(found) > MAX_SUMMED_ROWS) return err({ limit: MAX_SUMMED_ROWS });
  const part = partOf(orders, found, page.beforeId);
  const query = db
    .select()
    .from(orders)
    .where(and(part.within, conditionOf(filter, part.ids)))
    .orderBy(desc(orders.id))
    .limit(page.limit + 1);
  if (!withSums) return ok(idPageOf(await query, page.limit, part));
  const [rows, [totals], [refunded]] = await db.batch([query, ...sumQueries(db, filter, found)]);
  const sums = { orders: 0, totalFen: 0, refundedFen: 0, ...totals, ...refunded };
  return ok({ ...idPageOf(rows, page.limit, part), sums });
}

/** An order with the sum of its refunds, for exports. */
export type OrderWithRefunds = OrderRow & Pick<OrderSums, "refundedFen">;

/** A page of the orders that `locateOrders` has found: one trip. */
export async function readOrderPage(
  db: Database,
  filter: OrderFilter,
  found: Whereabouts,
  { beforeId, limit }: PageRequest,
): Promise<IdPage<OrderWithRefunds>> {
  const part = partOf(orders, found, beforeId);
  const rows = await db
    .select({
      order: orders,
      refundedFen: sql<number>`(select coalesce(sum(r.refund_fen), 0) from ${refunds} r
        where r.order_id = orders.id and ${isLiveRefund("r")})`,
    })
    .from(orders)
    .where(and(part.within, conditionOf(filter, part.ids)))
    .orderBy(desc(orders.id))
    .limit(limit + 1);
  const items = rows.map(({ order, refundedFen }) => Object.assign(order, { refundedFen }));
  return idPageOf(items, limit, part);
}

/** Where the orders of this filter are: one trip, or none when it names them by a number. */
export async function locateOrders(db: Database, filter: OrderFilter): Promise<Whereabouts> {
  const ids = lookedUp(filter);
  if (ids !== null) return { kind: "set", ids };
  const bounds = { from: firstIdOf(filter), until: endIdOf(filter) };
  return await locate(db, orders, bounds, indexedSets(filter));
}

/** Whether any order is known by this number: one trip. */
export async function isKnownNumber(db: Database, number: string): Promise<boolean> {
  const { known } = await db.get<{ readonly known: number }>(
    sql`select exists ${ordersByAnyNumber(number)} as known`,
  );
  return known === 1;
}

/** An order's refunds, oldest first. */
export async function listRefunds(db: Database, orderId: number): Promise<RefundRow[]> {
  return await db
    .select()
    .from(refunds)
    .where(eq(refunds.orderId, orderId))
    .orderBy(asc(refunds.id));
}

function firstIdOf({ createdFrom, paidFrom, openId, appId }: OrderFilter): SQL {
  const times: SQL[] = [];
  if (createdFrom !== undefined) times.push(sql`${createdFrom}`);
  if (paidFrom !== undefined) times.push(sql`${paidFrom - MAX_PAYMENT_DELAY_MS}`);
  if (openId !== undefined) {
    // A payer is stored with the first order. Without the payer there is no order.
    const since = payersWith(openId, appId, sql`min(u.created_at)`);
    times.push(sql`coalesce(${since}, ${Number.MAX_SAFE_INTEGER})`);
  }
  const [first, ...others] = times;
  if (first === undefined) return FIRST_ID;
  return idFrom(orders, others.length === 0 ? first : sql`max(${sql.join(times, sql`, `)})`);
}

function endIdOf({ createdBefore, paidBefore }: OrderFilter): SQL {
  const at = Math.min(
    createdBefore ?? Infinity,
    paidBefore === undefined ? Infinity : paidBefore + WECHAT_CLOCK_TOLERANCE_MS,
  );
  return at === Infinity ? endOfIds(orders) : idUntil(orders, at);
}

function sumQueries(db: Database, filter: OrderFilter, found: Whereabouts) {
  const { within, ids } = allOf(orders, found);
  const where = and(within, conditionOf(filter, ids));
  const matching = db.select({ id: orders.id }).from(orders).where(where);
  const totals = db
    .select({
      orders: sql<number>`count(*)`,
      totalFen: sql<number>`coalesce(sum(${orders.totalFen}), 0)`,
    })
    .from(orders)
    .where(where);
  // A range's refunds are read along their index: with the plus, not looked up order by order.
  const ofMatching =
    ids === null
      ? sql`r.order_id in ${matching}`
      : sql`r.order_id >= ${ids.fromId} and r.order_id < ${ids.untilId} and +r.order_id in ${matching}`;
  const refunded = db
    .select({ refundedFen: sql<number>`coalesce(sum(r.refund_fen), 0)` })
    .from(sql`${refunds} r`)
    .where(sql`${ofMatching} and ${isLiveRefund("r")}`);
  return [totals, refunded] as const;
}
