import type { SignType } from "../v2/sign.ts";
import type { OrderTerms } from "./order-terms.ts";
import type { Protocol } from "./protocol.ts";
import { readParams, readTerms } from "./stored-json.ts";

/**
 * NOTPAY until paid or closed; REFUND once a refund was accepted, regardless of its outcome.
 * See W-30.
 */
export type TradeState = "NOTPAY" | "SUCCESS" | "CLOSED" | "REFUND";

/** How an order's bridge parameters and notifications are signed: RSA in APIv3. */
export type OrderSignType = SignType | "RSA";

/** An order as WeChat Pay knows it. */
export interface Order {
  readonly mchId: string;
  readonly outTradeNo: string;
  readonly appId: string;
  /** That of the first prepay call. */
  readonly signType: OrderSignType;
  readonly terms: OrderTerms;
  /** The business parameters of the first prepay call, which a repeated one must match. */
  readonly params: Readonly<Record<string, string>>;
  /** Fen. */
  readonly totalFee: number;
  readonly state: TradeState;
  /** Assigned at creation; not shown before the payment. */
  readonly transactionId: string;
  readonly prepayCalls: number;
  readonly createdAt: number;
  /** `time_expire`: the order can no longer be paid, but is not closed. */
  readonly expiresAt: number | null;
  readonly paidAt: number | null;
}

// WeChat closes unpaid orders after 7 days (W-33).
const UNPAID_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

type Row = {
  mch_id: string;
  out_trade_no: string;
  app_id: string;
  sign_type: OrderSignType;
  terms: string;
  params: string;
  total_fee: number;
  state: TradeState;
  transaction_id: string;
  prepay_calls: number;
  created_at: number;
  expires_at: number | null;
  paid_at: number | null;
};

/** Finds a merchant's order; null when there is none. */
export function findOrder(sql: SqlStorage, mchId: string, outTradeNo: string): Order | null {
  return one(
    sql.exec<Row>("select * from orders where mch_id = ? and out_trade_no = ?", mchId, outTradeNo),
  );
}

/** Finds a paid order; null when there is none. Before the payment no transaction exists. */
export function findOrderByTransaction(
  sql: SqlStorage,
  mchId: string,
  transactionId: string,
): Order | null {
  return one(
    sql.exec<Row>(
      "select * from orders where mch_id = ? and transaction_id = ? and paid_at is not null",
      mchId,
      transactionId,
    ),
  );
}

/** Finds the newest order with a number across all merchants; null when there is none. */
export function findAnyOrder(sql: SqlStorage, outTradeNo: string): Order | null {
  return one(
    sql.exec<Row>(
      "select * from orders where out_trade_no = ? order by created_at desc, rowid desc limit 1",
      outTradeNo,
    ),
  );
}

/** All orders, newest first. */
export function listOrders(sql: SqlStorage): Order[] {
  return [...sql.exec<Row>("select * from orders order by created_at desc, rowid desc")].map(
    toOrder,
  );
}

/** A merchant's orders that were paid in `[from, to)`, in Unix ms; oldest first. */
export function* ordersPaidBetween(
  sql: SqlStorage,
  mchId: string,
  from: number,
  to: number,
): Iterable<Order & { readonly paidAt: number }> {
  const rows = sql.exec<Row & { paid_at: number }>(
    "select * from orders where mch_id = ? and paid_at >= ? and paid_at < ? order by paid_at, rowid",
    mchId,
    from,
    to,
  );
  for (const row of rows) yield { ...toOrder(row), paidAt: row.paid_at };
}

/** Stores a new order. */
export function insertOrder(sql: SqlStorage, order: Order): void {
  sql.exec(
    `insert into orders (mch_id, out_trade_no, app_id, sign_type, terms, params, total_fee, state,
       transaction_id, prepay_calls, created_at, expires_at, paid_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    order.mchId,
    order.outTradeNo,
    order.appId,
    order.signType,
    JSON.stringify(order.terms),
    JSON.stringify(order.params),
    order.totalFee,
    order.state,
    order.transactionId,
    order.prepayCalls,
    order.createdAt,
    order.expiresAt,
    order.paidAt,
  );
}

/** The protocol that created an order, which is that of its notifications. */
export function protocolOf({ signType }: Pick<Order, "signType">): Protocol {
  return signType === "RSA" ? "v3" : "v2";
}

/** A prepay_id of an order. */
export interface Prepay {
  readonly prepayId: string;
  /** The serial number of the merchant's key that signed the call; null in APIv2. */
  readonly serialNo: string | null;
  readonly issuedAt: number;
}

/** Stores a new prepay_id of an order and counts the call. */
export function insertPrepay(sql: SqlStorage, order: Order, prepay: Prepay): void {
  sql.exec(
    "update orders set prepay_calls = prepay_calls + 1 where mch_id = ? and out_trade_no = ?",
    order.mchId,
    order.outTradeNo,
  );
  sql.exec(
    `insert into prepays (prepay_id, mch_id, out_trade_no, serial_no, created_at)
     values (?, ?, ?, ?, ?)`,
    prepay.prepayId,
    order.mchId,
    order.outTradeNo,
    prepay.serialNo,
    prepay.issuedAt,
  );
}

/** Finds a prepay_id of this order; null when it was never issued. */
export function findPrepay(sql: SqlStorage, order: Order, prepayId: string): Prepay | null {
  const [row] = sql.exec<{ serial_no: string | null; created_at: number }>(
    `select serial_no, created_at from prepays
     where prepay_id = ? and mch_id = ? and out_trade_no = ?`,
    prepayId,
    order.mchId,
    order.outTradeNo,
  );
  return row === undefined ? null : { prepayId, serialNo: row.serial_no, issuedAt: row.created_at };
}

/** Changes the state of an order. */
export function setTradeState(sql: SqlStorage, order: Order, state: TradeState): void {
  sql.exec(
    "update orders set state = ? where mch_id = ? and out_trade_no = ?",
    state,
    order.mchId,
    order.outTradeNo,
  );
}

/** Records the payment of an order. */
export function markOrderPaid(sql: SqlStorage, order: Order, now: number): void {
  sql.exec(
    "update orders set state = 'SUCCESS', paid_at = ? where mch_id = ? and out_trade_no = ?",
    now,
    order.mchId,
    order.outTradeNo,
  );
}

/** Closes the orders that have been unpaid for 7 days. */
export function closeUnpaidOrders(sql: SqlStorage, now: number): void {
  sql.exec(
    "update orders set state = 'CLOSED' where state = 'NOTPAY' and created_at < ?",
    now - UNPAID_LIFE_MS,
  );
}

function one(rows: Iterable<Row>): Order | null {
  const [row] = rows;
  return row === undefined ? null : toOrder(row);
}

function toOrder(row: Row): Order {
  return {
    mchId: row.mch_id,
    outTradeNo: row.out_trade_no,
    appId: row.app_id,
    signType: row.sign_type,
    terms: readTerms(row.terms),
    params: readParams(row.params),
    totalFee: row.total_fee,
    state: row.state,
    transactionId: row.transaction_id,
    prepayCalls: row.prepay_calls,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    paidAt: row.paid_at,
  };
}
