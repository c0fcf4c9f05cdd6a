import { and, asc, eq, inArray, sql } from "drizzle-orm";
import { MAX_REFUNDS, statesBefore } from "../domain/refund.ts";
import type { Database } from "./database.ts";
import { isWithinDay } from "./refund-day.ts";
import type { RecordedCall } from "./orders.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { orders, refunds } from "./schema.ts";

/** An order with all its refunds, oldest first: one trip. Null when no order has this number. */
export async function findOrderWithRefunds(
  db: Database,
  number: string,
): Promise<{ readonly order: OrderRow; readonly refunds: readonly RefundRow[] } | null> {
  const [found, rows] = await db.batch([
    db.select().from(orders).where(eq(orders.number, number)),
    db
      .select()
      .from(refunds)
      .where(eq(refunds.orderId, sql`(select id from orders where number = ${number})`))
      .orderBy(asc(refunds.id)),
  ]);
  const order = found[0];
  return order === undefined ? null : { order, refunds: rows };
}

/**
 * Stores a refund before WeChat is called. The statement itself checks that the order is paid and
 * that its refunds stay within the paid amount and WeChat's limit of refunds per order, so concurrent
 * requests can't exceed them, and that the app's refunds of the day stay within `maxFenPerDay`, which
 * concurrent requests for other orders use up too. Returns null when they would, or when the app has
 * already used `appRefundNo`.
 */
export async function insertRefund(
  db: Database,
  refund: {
    readonly orderId: number;
    readonly appId: number;
    readonly number: string;
    readonly appRefundNo: string | null;
    readonly refundFen: number;
    readonly notifyUrl: string;
  },
  maxFenPerDay: number | null,
  nowAt: number,
): Promise<RefundRow | null> {
  const claimedFen = sql`(select coalesce(sum(r.refund_fen), 0) from refunds r
    where r.order_id = ${orders.id} and r.state <> 'closed')`;
  const rows = await db
    .insert(refunds)
    .select(
      db
        .select({
          id: sql<number>`null`.as("id"),
          orderId: orders.id,
          appId: orders.appId,
          number: sql<string>`${refund.number}`.as("number"),
          appRefundNo: sql<string | null>`${refund.appRefundNo}`.as("app_refund_no"),
          refundFen: sql<number>`${refund.refundFen}`.as("refund_fen"),
          notifyUrl: sql<string>`${refund.notifyUrl}`.as("notify_url"),
          state: sql<"requested">`'requested'`.as("state"),
          refundId: sql<null>`null`.as("refund_id"),
          notifyState: sql<"none">`'none'`.as("notify_state"),
          notifyNumber: sql<number>`0`.as("notify_number"),
          succeededAt: sql<null>`null`.as("succeeded_at"),
          createdAt: sql<number>`${nowAt}`.as("created_at"),
          updatedAt: sql<number>`${nowAt}`.as("updated_at"),
          source: sql<"app">`'app'`.as("source"),
          acceptedAt: sql<null>`null`.as("accepted_at"),
          resentAt: sql<null>`null`.as("resent_at"),
          nextCallAt: sql<null>`null`.as("next_call_at"),
        })
        .from(orders)
        .where(
          and(
            eq(orders.id, refund.orderId),
            eq(orders.appId, refund.appId),
            eq(orders.payState, "paid"),
            sql`${orders.totalFen} >= ${refund.refundFen} + ${claimedFen}`,
            sql`(select count(*) from refunds r where r.order_id = ${orders.id}) < ${MAX_REFUNDS}`,
            isWithinDay(refund.appId, sql`${refund.refundFen}`, maxFenPerDay, nowAt),
          ),
        ),
    )
    .onConflictDoNothing()
    .returning();
  return rows[0] ?? null;
}

/**
 * Makes a refused refund a requested one, to be sent again: its amount counts for today again. Returns
 * null when that would exceed `maxFenPerDay`, or when the refund isn't refused any more.
 */
export async function reopenRefund(
  db: Database,
  { number, appId }: Pick<RefundRow, "number" | "appId">,
  maxFenPerDay: number | null,
  nowAt: number,
): Promise<RefundRow | null> {
  const rows = await db
    .update(refunds)
    .set({ state: "requested", notifyState: "none", resentAt: nowAt, updatedAt: nowAt })
    .where(
      and(
        eq(refunds.number, number),
        inArray(refunds.state, [...statesBefore("requested")]),
        isWithinDay(appId, sql`${refunds.refundFen}`, maxFenPerDay, nowAt),
      ),
    )
    .returning();
  return rows[0] ?? null;
}

/**
 * Stores a refund made in WeChat's merchant platform, as WeChat reports it. Its amount isn't checked
 * against the order: the money is already on its way. Returns the stored refund with this number, or
 * null when it belongs to another order.
 */
export async function insertPlatformRefund(
  db: Database,
  order: Pick<OrderRow, "id" | "appId">,
  refund: Pick<RefundRow, "number" | "refundFen" | "refundId" | "notifyUrl">,
  nowAt: number,
): Promise<RefundRow | null> {
  const [, rows] = await db.batch([
    db
      .insert(refunds)
      .values({
        ...refund,
        orderId: order.id,
        appId: order.appId,
        state: "accepted",
        notifyState: "none",
        notifyNumber: 0,
        source: "platform",
        createdAt: nowAt,
        updatedAt: nowAt,
      })
      .onConflictDoNothing(),
    db
      .select()
      .from(refunds)
      .where(and(eq(refunds.number, refund.number), eq(refunds.orderId, order.id))),
  ]);
  return rows[0] ?? null;
}

/** The refund with this number (`refund_no`), or null. */
export async function findRefund(db: Database, number: string): Promise<RefundRow | null> {
  const rows = await db.select().from(refunds).where(eq(refunds.number, number));
  return rows[0] ?? null;
}

/**
 * Records that WeChat accepted a refund: requested or refused becomes accepted. A refund whose outcome
 * was recorded meanwhile keeps its state. Returns the current refund; null when none has this
 * number.
 */
export async function markRefundAccepted(
  db: Database,
  number: string,
  { refundId, acceptedAt }: Pick<RefundRow, "refundId" | "acceptedAt">,
  nowAt: number,
): Promise<RefundRow | null> {
  const rows = await db
    .update(refunds)
    .set({
      state: sql`case when ${refunds.state} in ('requested', 'refused') then 'accepted' else ${refunds.state} end`,
      refundId: sql`coalesce(${refundId}, ${refunds.refundId})`,
      acceptedAt: sql`coalesce(${acceptedAt}, ${refunds.acceptedAt})`,
      updatedAt: sql`case when ${refunds.state} in ('requested', 'refused') then ${nowAt} else ${refunds.updatedAt} end`,
    })
    .where(eq(refunds.number, number))
    .returning();
  return rows[0] ?? null;
}

/**
 * Moves a refund to a new state, if it is in one of the states in `from`. The app hasn't been called
 * about the new state, so the delivery's state is reset; its count of calls continues.
 * Returns null when the refund was in no state of `from`.
 */
export async function moveRefund(
  db: Database,
  number: string,
  move: {
    readonly from: readonly RefundRow["state"][];
    readonly to: RefundRow["state"];
    readonly refundId: string | null;
    readonly succeededAt: number | null;
  },
  nowAt: number,
): Promise<RefundRow | null> {
  const rows = await db
    .update(refunds)
    .set({
      state: move.to,
      refundId: sql`coalesce(${move.refundId}, ${refunds.refundId})`,
      succeededAt: move.succeededAt,
      notifyState: "none",
      nextCallAt: null,
      updatedAt: nowAt,
    })
    .where(and(eq(refunds.number, number), inArray(refunds.state, [...move.from])))
    .returning();
  return rows[0] ?? null;
}

/**
 * Records a call to the app about the refund. When the refund's state has changed since, the call
 * delivered an old state: it is only counted.
 */
export async function recordRefundDelivery(
  db: Database,
  number: string,
  call: RecordedCall & { readonly delivered: RefundRow["state"] },
  nowAt: number,
): Promise<void> {
  const outcome = call.confirmed ? "confirmed" : "failing";
  const nextCallAt = call.confirmed ? null : call.nextCallAt;
  const counts = sql`${refunds.state} = ${call.delivered} and ${refunds.notifyState} <> 'confirmed'`;
  await db
    .update(refunds)
    .set({
      notifyState: sql`case when ${counts} then ${outcome} else ${refunds.notifyState} end`,
      nextCallAt: sql`case when ${counts} then ${nextCallAt} else ${refunds.nextCallAt} end`,
      notifyNumber: sql`max(${refunds.notifyNumber}, ${call.calls})`,
      updatedAt: nowAt,
    })
    .where(eq(refunds.number, number));
}
