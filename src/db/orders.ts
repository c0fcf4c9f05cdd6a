import { and, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { orders, users } from "./schema.ts";
import type { OrderRow } from "./rows.ts";

/** The fields of a new order; the database adds its id and its user's. */
export type NewOrder = Omit<
  typeof orders.$inferInsert,
  | "id"
  | "userId"
  | "payState"
  | "transactionId"
  | "transactionDuplicateOf"
  | "paidAt"
  | "payNotifyState"
  | "payNotifyNumber"
  | "nextCallAt"
  | "closeRequestedAt"
  | "closeNotifyState"
  | "closeNotifyNumber"
  | "closeNextCallAt"
  | "updatedAt"
> & { readonly openId: string };

/** An order with the payer's openId, which a repeat must send to WeChat again. */
export interface OrderWithPayer {
  readonly order: OrderRow;
  readonly openId: string;
}

/** Stores a new order and, if new, its user: one trip. Returns the order's id. */
export async function insertOrder(db: Database, draft: NewOrder): Promise<number> {
  const [, inserted] = await db.batch([
    insertUser(db, draft),
    db.insert(orders).values(orderValues(draft)).returning({ id: orders.id }),
  ]);
  const row = inserted[0];
  if (row === undefined) throw new Error("an insert returned no row");
  return row.id;
}

/**
 * Stores an order under the app's own number, unless the app has used the number: one trip.
 * Returns the stored order, and whether this call created it.
 */
export async function insertOrderOnce(
  db: Database,
  draft: NewOrder & { readonly appOrderNo: string },
): Promise<OrderWithPayer & { readonly created: boolean }> {
  const [, inserted, stored] = await db.batch([
    insertUser(db, draft),
    db
      .insert(orders)
      .values(orderValues(draft))
      // The only other unique column is the random number. If that conflicts, no order exists under
      // the app's number, and the request fails below.
      .onConflictDoNothing()
      .returning({ id: orders.id }),
    db
      .select({ order: orders, openId: users.openId })
      .from(orders)
      .innerJoin(users, eq(users.id, orders.userId))
      .where(and(eq(orders.appId, draft.appId), eq(orders.appOrderNo, draft.appOrderNo))),
  ]);
  const row = stored[0];
  if (row === undefined) throw new Error("an order just stored is not there");
  return { ...row, created: inserted.length > 0 };
}

function insertUser(db: Database, draft: NewOrder) {
  return db
    .insert(users)
    .values({ appId: draft.appId, openId: draft.openId, createdAt: draft.createdAt })
    .onConflictDoNothing();
}

function orderValues(draft: NewOrder) {
  const { openId, ...columns } = draft;
  return {
    ...columns,
    userId: sql<number>`(select id from users where app_id = ${draft.appId} and open_id = ${openId})`,
    payState: "waiting",
    payNotifyState: "none",
    payNotifyNumber: 0,
    updatedAt: draft.createdAt,
  } as const;
}

/** The order with this number (`pay_order_number`), or null. */
export async function findOrder(db: Database, number: string): Promise<OrderRow | null> {
  const rows = await db.select().from(orders).where(eq(orders.number, number));
  return rows[0] ?? null;
}

/** The order with this id, or null. For the admin API; apps use `findOrderOfApp`. */
export async function findOrderById(db: Database, id: number): Promise<OrderRow | null> {
  const rows = await db.select().from(orders).where(eq(orders.id, id));
  return rows[0] ?? null;
}

/** A payment to record, and the order that it must match: the statement compares each field. */
export interface PaidOrderMatch {
  readonly number: string;
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly signType: OrderRow["signType"];
  readonly totalFen: number;
  /** Empty for none; null: not compared. */
  readonly attach: string | null;
  readonly transactionId: string;
  readonly paidAt: number;
}

/**
 * Waiting or failed becomes paid, once: compare and set in one statement, one trip.
 * Returns null when nothing changed: the order is absent, already paid or doesn't match, or the
 * transaction has paid another order.
 */
export async function markOrderPaid(
  db: Database,
  payment: PaidOrderMatch,
  nowAt: number,
): Promise<OrderRow | null> {
  const rows = await db
    .update(orders)
    .set({
      payState: "paid",
      transactionId: payment.transactionId,
      paidAt: payment.paidAt,
      // An app is never told of a close after the payment.
      closeNextCallAt: null,
      updatedAt: nowAt,
    })
    .where(
      and(
        eq(orders.number, payment.number),
        eq(orders.merchantId, payment.merchantId),
        eq(orders.wechatAppId, payment.wechatAppId),
        eq(orders.signType, payment.signType),
        eq(orders.totalFen, payment.totalFen),
        payment.attach === null
          ? undefined
          : eq(sql`coalesce(${orders.attach}, '')`, payment.attach),
        // The unique index refuses it too, but by an error, which would read as a failure of D1.
        sql`not exists (select 1 from orders o where o.merchant_id = ${payment.merchantId}
          and o.transaction_id = ${payment.transactionId} and o.transaction_duplicate_of is null)`,
        inArray(orders.payState, ["waiting", "failed"]),
      ),
    )
    .returning();
  return rows[0] ?? null;
}

/** The number of the merchant's order that was paid by this transaction, or null. */
export async function findNumberOfTransaction(
  db: Database,
  merchantId: number,
  transactionId: string,
): Promise<string | null> {
  const rows = await db
    .select({ number: orders.number })
    .from(orders)
    .where(
      and(
        eq(orders.merchantId, merchantId),
        eq(orders.transactionId, transactionId),
        isNull(orders.transactionDuplicateOf),
      ),
    );
  return rows[0]?.number ?? null;
}

/**
 * Waiting becomes failed; a paid order stays paid. Returns whether it changed. For an order whose app
 * got a refusal instead of it; `endUnpaid` also has the app called.
 */
export async function failOrder(db: Database, number: string, nowAt: number): Promise<boolean> {
  const rows = await db
    .update(orders)
    .set({ payState: "failed", updatedAt: nowAt })
    .where(and(eq(orders.number, number), eq(orders.payState, "waiting")))
    .returning({ id: orders.id });
  return rows.length > 0;
}

/**
 * Waiting becomes failed, and whether the app is called about it is decided by its setting at this
 * moment, in the same statement. Returns null when nothing changed: the order is absent, paid or has
 * ended before.
 */
export async function endUnpaid(
  db: Database,
  number: string,
  nowAt: number,
): Promise<OrderRow | null> {
  const rows = await db
    .update(orders)
    .set({
      payState: "failed",
      closeNotifyState: sql`(select 'none' from apps a where a.id = ${orders.appId} and a.notify_failed)`,
      updatedAt: nowAt,
    })
    .where(and(eq(orders.number, number), eq(orders.payState, "waiting")))
    .returning();
  return rows[0] ?? null;
}

/**
 * Stores that a waiting order is to be withdrawn; a repeat keeps the first time. Returns the order as
 * stored, or null when it isn't waiting.
 */
export async function requestClose(
  db: Database,
  number: string,
  nowAt: number,
): Promise<OrderRow | null> {
  const rows = await db
    .update(orders)
    .set({
      closeRequestedAt: sql`coalesce(${orders.closeRequestedAt}, ${nowAt})`,
      updatedAt: sql`case when ${orders.closeRequestedAt} is null then ${nowAt} else ${orders.updatedAt} end`,
    })
    .where(and(eq(orders.number, number), eq(orders.payState, "waiting")))
    .returning();
  return rows[0] ?? null;
}

/** A call to an app, as it ended. */
export interface RecordedCall {
  /** Calls made so far, this one included. */
  readonly calls: number;
  readonly confirmed: boolean;
  /** When the next call is due, Unix ms; null when none is planned. */
  readonly nextCallAt: number | null;
}

/**
 * Records a call to the app about the payment. Calls may end out of order: the count never
 * decreases, and a confirmed state stays.
 */
export async function recordPayDelivery(
  db: Database,
  number: string,
  call: RecordedCall,
  nowAt: number,
): Promise<void> {
  await db
    .update(orders)
    .set({
      payNotifyState: call.confirmed
        ? "confirmed"
        : sql`case ${orders.payNotifyState} when 'confirmed' then 'confirmed' else 'failing' end`,
      payNotifyNumber: sql`max(${orders.payNotifyNumber}, ${call.calls})`,
      nextCallAt: call.confirmed
        ? null
        : sql`case ${orders.payNotifyState} when 'confirmed' then null else ${call.nextCallAt} end`,
      updatedAt: nowAt,
    })
    .where(eq(orders.number, number));
}

/**
 * Records a call to the app about an order that ended unpaid, as `recordPayDelivery`. A payment may
 * have been recorded during the call: then no other one is planned, and the row's time stays the
 * payment's.
 */
export async function recordCloseDelivery(
  db: Database,
  number: string,
  call: RecordedCall,
  nowAt: number,
): Promise<void> {
  const isOpen = sql`${orders.payState} = 'failed' and ${orders.closeNotifyState} is not 'confirmed'`;
  await db
    .update(orders)
    .set({
      closeNotifyState: call.confirmed
        ? "confirmed"
        : sql`case ${orders.closeNotifyState} when 'confirmed' then 'confirmed' else 'failing' end`,
      closeNotifyNumber: sql`max(${orders.closeNotifyNumber}, ${call.calls})`,
      closeNextCallAt: call.confirmed
        ? null
        : sql`case when ${isOpen} then ${call.nextCallAt} else null end`,
      updatedAt: sql`case ${orders.payState} when 'failed' then ${nowAt} else ${orders.updatedAt} end`,
    })
    .where(eq(orders.number, number));
}
