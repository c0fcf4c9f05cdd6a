import { and, eq, gte, lt, sql, type SQL } from "drizzle-orm";
import { PAYMENT_FAILING } from "./conditions.ts";
import type { IdRange, IndexedSet } from "./id-range.ts";
import { abnormalRefunds } from "./refund-list.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { apps, merchants, orders, refunds, users } from "./schema.ts";

/** The filter of the admin API's list of orders; absent fields match everything. */
export interface OrderFilter {
  /** Any number by which people know an order, exactly; see `ordersByAnyNumber`. */
  readonly q?: string | undefined;
  readonly appId?: number | undefined;
  readonly merchantId?: number | undefined;
  readonly payState?: OrderRow["payState"] | undefined;
  readonly payNotifyState?: OrderRow["payNotifyState"] | undefined;
  /** Orders with a refund in this state. */
  readonly refundState?: RefundRow["state"] | undefined;
  readonly number?: string | undefined;
  readonly appOrderNo?: string | undefined;
  /** WeChat's id of the payer. */
  readonly openId?: string | undefined;
  readonly totalFen?: number | undefined;
  /** Unix ms; each `From` is inclusive, each `Before` exclusive. */
  readonly createdFrom?: number | undefined;
  readonly createdBefore?: number | undefined;
  readonly paidFrom?: number | undefined;
  readonly paidBefore?: number | undefined;
}

/**
 * The filter, except the numbers in it (`lookedUp`), as a condition on a row, given the ids that are
 * read (null for a set). The unary plus keeps SQLite from reading all of a merchant's payments along
 * their index instead.
 */
export function conditionOf(filter: OrderFilter, ids: IdRange | null): SQL | undefined {
  const { appId, openId, refundState } = filter;
  return and(
    optional(appId, (id) => eq(orders.appId, id)),
    optional(filter.merchantId, (merchantId) => sql`+${orders.merchantId} = ${merchantId}`),
    optional(filter.payState, (state) => eq(orders.payState, state)),
    optional(filter.payNotifyState, (state) => eq(orders.payNotifyState, state)),
    optional(filter.totalFen, (fen) => eq(orders.totalFen, fen)),
    optional(filter.createdFrom, (at) => gte(orders.createdAt, at)),
    optional(filter.createdBefore, (at) => lt(orders.createdAt, at)),
    optional(filter.paidFrom, (at) => sql`+${orders.paidAt} >= ${at}`),
    optional(filter.paidBefore, (at) => sql`+${orders.paidAt} < ${at}`),
    optional(openId, (payer) => sql`${orders.userId} in ${payersWith(payer, appId)}`),
    optional(refundState, (state) => hasRefundIn(state, ids)),
  );
}

/**
 * The ids of the orders that a filter names by numbers: at most a few per app, each found by an
 * index. Null when it names none.
 */
export function lookedUp({ q, number, appOrderNo, appId }: OrderFilter): SQL | null {
  const found = [
    optional(number, (ours) => sql`(select o.id from ${orders} o where o.number = ${ours})`),
    optional(q, (any) => ordersByAnyNumber(any)),
    optional(appOrderNo, (theirs) => ordersByAppOrderNo(theirs, appId)),
  ].filter((ids) => ids !== undefined);
  if (found.length === 0) return null;
  return sql`(${sql.join(
    found.map((ids) => sql`select id from ${ids}`),
    sql` intersect `,
  )})`;
}

/*
 * Look-ups. A number that is unique per app or per merchant is looked up for each of them, in the
 * index that makes it unique: an index across all would cost a row per order. `cross join` keeps
 * SQLite from reading the orders first.
 */

/**
 * The ids of the orders that anybody knows by this number: ours (`pay_order_number`), the app's,
 * WeChat's transaction, and for a refund ours (`refund_no`), the app's and WeChat's (`refund_id`).
 */
export function ordersByAnyNumber(number: string): SQL {
  // In two parts: D1 takes at most five terms in a compound select.
  return sql`(
    select id from (
      select o.id from ${orders} o where o.number = ${number}
      union all
      select o.id from ${apps} a
        cross join ${orders} o on o.app_id = a.id and o.app_order_no = ${number}
      union all
      select o.id from ${merchants} m
        cross join ${orders} o on o.merchant_id = m.id and o.transaction_id = ${number}
          and o.transaction_duplicate_of is null
      union all
      select o.id from ${orders} o
        where o.transaction_id = ${number} and o.transaction_duplicate_of is not null)
    union all
    select id from (
      select r.order_id as id from ${refunds} r where r.number = ${number}
      union all
      select r.order_id from ${refunds} r where r.refund_id = ${number}
      union all
      select r.order_id from ${apps} a
        cross join ${refunds} r on r.app_id = a.id and r.app_refund_no = ${number}))`;
}

function ordersByAppOrderNo(appOrderNo: string, appId: number | undefined): SQL {
  return sql`(select o.id from ${apps} a
    cross join ${orders} o on o.app_id = a.id and o.app_order_no = ${appOrderNo}
    ${appId === undefined ? sql`` : sql`where a.id = ${appId}`})`;
}

/** The ids of the users (one per app) with this openId; with `column` another column of theirs. */
export function payersWith(
  openId: string,
  appId: number | undefined,
  column: SQL = sql`u.id`,
): SQL {
  return sql`(select ${column} from ${apps} a
    cross join ${users} u on u.app_id = a.id and u.open_id = ${openId}
    ${appId === undefined ? sql`` : sql`where a.id = ${appId}`})`;
}

/** Refunds are few: those of a part of the orders are found along their index. */
function hasRefundIn(state: RefundRow["state"], ids: IdRange | null): SQL {
  return ids === null
    ? sql`exists (select 1 from ${refunds} r where r.order_id = ${orders.id} and r.state = ${state})`
    : sql`${orders.id} in (select r.order_id from ${refunds} r
        where r.order_id >= ${ids.fromId} and r.order_id < ${ids.untilId} and r.state = ${state})`;
}

/**
 * The sets of this filter. One is read instead of a part of the ids while a page's share of rows
 * suffices for it. Conditions of partial indexes are spelled out: a bound value doesn't imply them.
 */
export function indexedSets(filter: OrderFilter): IndexedSet[] {
  const sets: IndexedSet[] = [];
  if (filter.payNotifyState === "failing") {
    const failing = sql`select o.id from ${orders} o where ${PAYMENT_FAILING}`;
    sets.push({ ids: sql`(${failing})`, read: failing });
  }
  if (filter.paidFrom !== undefined || filter.paidBefore !== undefined) {
    const paid = paidIn(filter);
    sets.push({ ids: sql`(${paid})`, read: paid });
  }
  if (filter.refundState === "abnormal") sets.push(abnormalRefunds("order_id"));
  return sets;
}

function paidIn({ paidFrom, paidBefore, merchantId }: OrderFilter): SQL {
  return sql`select o.id from ${merchants} m
    cross join ${orders} o on o.merchant_id = m.id and o.paid_at is not null
      and o.paid_at >= ${paidFrom ?? 0} and o.paid_at < ${paidBefore ?? Number.MAX_SAFE_INTEGER}
    ${merchantId === undefined ? sql`` : sql`where m.id = ${merchantId}`}`;
}

function optional<T>(value: T | undefined, condition: (value: T) => SQL): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}
