import { sql, type SQL } from "drizzle-orm";

/*
 * The conditions of the partial indexes that the sweep and redelivery read. SQLite uses a partial
 * index only for a query that spells out its condition, so both take it from here. Columns are
 * without their table: a query must read the table where no other one has a column of that name.
 */

/** Of `orders`: the app was called about the payment and hasn't confirmed. */
export const PAYMENT_FAILING = sql`pay_notify_state = 'failing'`;
/** … and is going to be called again. */
export const PAYMENT_CALL_PLANNED = sql`${PAYMENT_FAILING} and next_call_at is not null`;
/** … and isn't: the schedule has ended, or the row is from before plans were stored. */
export const NO_PAYMENT_CALL_PLANNED = sql`${PAYMENT_FAILING} and next_call_at is null`;

/** Of `orders`, likewise about an order that ended unpaid: once it is paid, it isn't called any more. */
export const CLOSE_FAILING = sql`pay_state = 'failed' and close_notify_state = 'failing'`;
export const CLOSE_CALL_PLANNED = sql`${CLOSE_FAILING} and close_next_call_at is not null`;
export const NO_CLOSE_CALL_PLANNED = sql`${CLOSE_FAILING} and close_next_call_at is null`;

/** Of `refunds`, likewise: the app was called about the refund's state and hasn't confirmed. */
export const REFUND_FAILING = sql`notify_state = 'failing'`;
export const REFUND_CALL_PLANNED = sql`${REFUND_FAILING} and next_call_at is not null`;
export const NO_REFUND_CALL_PLANNED = sql`${REFUND_FAILING} and next_call_at is null`;

/**
 * Of `refunds`: WeChat has to be queried about it (`isOpen` of domain/refund.ts), or the app was never
 * called about its outcome. A released one is neither: it is sent again only for the app.
 */
export const REFUND_UNFINISHED = sql`(state in ('requested', 'accepted', 'abnormal') or notify_state = 'none' and (state <> 'refused' or released is null))`;

/**
 * `isLive` of domain/refund.ts, of the table of refunds that a query names so: the refund reserves its
 * amount. For sums, not for an index.
 */
export function isLiveRefund(table: "r" | "refunds"): SQL {
  return sql.raw(
    `(${table}.state <> 'closed' and not (${table}.state = 'refused' and ${table}.released is not null))`,
  );
}
