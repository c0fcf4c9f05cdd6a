import { and, asc, eq, inArray, isNull, sql, type SQL, type SQLWrapper } from "drizzle-orm";
import { MAX_REFUNDS } from "../domain/refund.ts";
import type { FundsAccount } from "../domain/states.ts";
import type { OrderReference } from "../contract/order-reference.ts";
import { isLiveRefund } from "./conditions.ts";
import type { Database } from "./database.ts";
import { isWithinDay } from "./refund-day.ts";
import type { RecordedCall } from "./orders.ts";
import type { OrderRow, RefundRow } from "./rows.ts";
import { orders, refunds } from "./schema.ts";

/** An order with all its refunds, oldest first. */
export interface OrderWithRefunds {
  readonly order: OrderRow;
  readonly refunds: readonly RefundRow[];
}

/** The order with this number (`pay_order_number`): one trip. Null when there is none. */
export async function findOrderWithRefunds(
  db: Database,
  number: string,
): Promise<OrderWithRefunds | null> {
  return await readOrder(db, eq(orders.number, number));
}

/** An app's order: one trip. Null when the app has no such order: it can't reach another app's. */
export async function findOrderOfApp(
  db: Database,
  appId: number,
  reference: OrderReference,
): Promise<OrderWithRefunds | null> {
  const isReferred =
    reference.kind === "id"
      ? eq(orders.id, reference.orderId)
      : eq(orders.appOrderNo, reference.appOrderNo);
  return await readOrder(db, and(isReferred, eq(orders.appId, appId)));
}

async function readOrder(
  db: Database,
  condition: SQL | undefined,
): Promise<OrderWithRefunds | null> {
  const [found, rows] = await db.batch([
    db.select().from(orders).where(condition),
    db
      .select()
      .from(refunds)
      .where(inArray(refunds.orderId, db.select({ id: orders.id }).from(orders).where(condition)))
      .orderBy(asc(refunds.id)),
  ]);
  const order = found[0];
  return order === undefined ? null : { order, refunds: rows };
}

/** The sum of an order's live refunds, in fen. */
function liveFen(orderId: SQLWrapper): SQL<number> {
  return sql<number>`(select coalesce(sum(r.refund_fen), 0) from refunds r
    where r.order_id = ${orderId} and ${isLiveRefund("r")})`;
}

/**
 * Stores a refund before WeChat is called. The statement itself checks that the order is paid and
 * that its refunds stay within the paid amount and WeChat's limit of refunds per order, so concurrent
 * requests can't exceed them, and that the app's refunds of the day stay within `maxFenPerDay`, which
 * concurrent requests for other orders use up too. In the same transaction, refused refunds whose free
 * amount it takes are marked. Returns null when a limit would be exceeded, or when the app has already
 * used `appRefundNo`.
 */
export async function insertRefund(
  db: Database,
  refund: NewRefund,
  maxFenPerDay: number | null,
  nowAt: number,
): Promise<RefundRow | null> {
  const [rows] = await db.batch([
    insertStatement(db, refund, maxFenPerDay, nowAt),
    markTaken(db, refund.orderId, refund.number, nowAt),
  ]);
  return rows[0] ?? null;
}

/** The stored fields of a new refund. */
type NewRefund = Pick<
  RefundRow,
  | "orderId"
  | "appId"
  | "number"
  | "appRefundNo"
  | "refundFen"
  | "notifyUrl"
  | "reason"
  | "fundsAccount"
>;

function insertStatement(
  db: Database,
  refund: NewRefund,
  maxFenPerDay: number | null,
  nowAt: number,
) {
  return db
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
          released: sql<null>`null`.as("released"),
          reason: sql<string | null>`${refund.reason}`.as("reason"),
          fundsAccount: sql<FundsAccount | null>`${refund.fundsAccount}`.as("funds_account"),
        })
        .from(orders)
        .where(
          and(
            eq(orders.id, refund.orderId),
            eq(orders.appId, refund.appId),
            eq(orders.payState, "paid"),
            sql`${orders.totalFen} >= ${refund.refundFen} + ${liveFen(orders.id)}`,
            sql`(select count(*) from refunds r where r.order_id = ${orders.id}
              and (r.state = 'closed' or ${isLiveRefund("r")})) < ${MAX_REFUNDS}`,
            isWithinDay(refund.appId, sql`${refund.refundFen}`, maxFenPerDay, nowAt),
          ),
        ),
    )
    .onConflictDoNothing()
    .returning();
}

/** Marks the order's free refunds whose amount is no longer left, now that `number` is requested. */
function markTaken(db: Database, orderId: number, number: string, nowAt: number) {
  const totalFen = sql`(select o.total_fen from orders o where o.id = ${refunds.orderId})`;
  return db
    .update(refunds)
    .set({ released: "taken", updatedAt: nowAt })
    .where(
      and(
        eq(refunds.orderId, orderId),
        eq(refunds.state, "refused"),
        eq(refunds.released, "free"),
        sql`exists (select 1 from refunds n where n.number = ${number} and n.state = 'requested')`,
        sql`${refunds.refundFen} > ${totalFen} - ${liveFen(refunds.orderId)}`,
      ),
    );
}

/** What a refused refund that is to be sent again may use. */
export interface ReopeningTerms {
  /** The account to name to WeChat, if WeChat doesn't have the refund. */
  readonly fundsAccount: FundsAccount | null;
  readonly maxFenPerDay: number | null;
}

/**
 * Makes a refused refund a requested one, to be sent again: its amount counts for today again. The
 * statement itself checks that its amount is still left, since another refund may have taken it, and
 * that the app's refunds of the day stay within `maxFenPerDay`. In the same transaction, other refused
 * refunds whose free amount it takes are marked. Returns null when a limit would be exceeded, or when
 * the refund isn't refused any more.
 */
export async function reopenRefund(
  db: Database,
  { number, orderId, appId }: Pick<RefundRow, "number" | "orderId" | "appId">,
  { fundsAccount, maxFenPerDay }: ReopeningTerms,
  nowAt: number,
): Promise<RefundRow | null> {
  const totalFen = sql`(select o.total_fen from orders o where o.id = ${refunds.orderId})`;
  // Its own amount is among the live ones unless it was released.
  const ownFen = sql`iif(${refunds.released} is null, 0, ${refunds.refundFen})`;
  const [rows] = await db.batch([
    db
      .update(refunds)
      .set({
        state: "requested",
        released: null,
        fundsAccount: sql`iif(${refunds.released} is null, ${refunds.fundsAccount}, ${fundsAccount})`,
        notifyState: "none",
        resentAt: nowAt,
        updatedAt: nowAt,
      })
      .where(
        and(
          eq(refunds.number, number),
          eq(refunds.state, "refused"),
          sql`${refunds.released} is not 'taken'`,
          sql`${totalFen} >= ${liveFen(refunds.orderId)} + ${ownFen}`,
          isWithinDay(appId, sql`${refunds.refundFen}`, maxFenPerDay, nowAt),
        ),
      )
      .returning(),
    markTaken(db, orderId, number, nowAt),
  ]);
  return rows[0] ?? null;
}

/**
 * Requested becomes refused. Returns null when the refund's state was another.
 * @param released `free` when a query has shown that WeChat doesn't have it
 */
export async function markRefundRefused(
  db: Database,
  number: string,
  released: "free" | null,
  nowAt: number,
): Promise<RefundRow | null> {
  const rows = await db
    .update(refunds)
    .set({ state: "refused", released, notifyState: "none", updatedAt: nowAt })
    .where(and(eq(refunds.number, number), eq(refunds.state, "requested")))
    .returning();
  return rows[0] ?? null;
}

/**
 * WeChat refused a requested refund for lack of balance and doesn't have it: the available balance is
 * to pay it. Stored before it is sent again, so that every repeat is the same. Returns null when
 * that account was named already, or the refund's state has changed.
 */
export async function switchToAvailable(
  db: Database,
  number: string,
  nowAt: number,
): Promise<RefundRow | null> {
  const rows = await db
    .update(refunds)
    .set({ fundsAccount: "available", updatedAt: nowAt })
    .where(
      and(eq(refunds.number, number), eq(refunds.state, "requested"), isNull(refunds.fundsAccount)),
    )
    .returning();
  return rows[0] ?? null;
}

/** A query has shown that WeChat doesn't have this refused refund: it releases its amount. */
export async function releaseRefund(db: Database, number: string, nowAt: number): Promise<void> {
  await db
    .update(refunds)
    .set({ released: "free", updatedAt: nowAt })
    .where(and(eq(refunds.number, number), eq(refunds.state, "refused"), isNull(refunds.released)));
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
      released: null,
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
      released: null,
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
