import type { OrderTerms } from "./order-terms.ts";
import type { Protocol } from "./protocol.ts";
import { readParams, readTerms } from "./stored-json.ts";

/**
 * NOTPAY until paid or closed; REFUND as soon as a refund was accepted, whatever becomes of it.
 * WeChat docs: orderquery, `trade_state`.
 */
export type TradeState = "NOTPAY" | "SUCCESS" | "CLOSED" | "REFUND";

/** How an order's page and its notifications are signed: the first two in APIv2, RSA in APIv3. */
export type OrderSignType = "MD5" | "HMAC-SHA256" | "RSA";

export interface Order {
  mchId: string;
  outTradeNo: string;
  appId: string;
  /** Of the first call; its notifications are signed the same way. */
  signType: OrderSignType;
  terms: OrderTerms;
  /** The business parameters of the first call, which a repeat must match. */
  params: Readonly<Record<string, string>>;
  /** Fen. */
  totalFee: number;
  state: TradeState;
  /** Fixed from the start, and told to nobody before the payment. */
  transactionId: string;
  prepayCalls: number;
  createdAt: number;
  /** `time_expire`: stops payment, does not close. */
  expiresAt: number | null;
  paidAt: number | null;
}

// WeChat docs: unpaid orders close by themselves after 7 days.
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

export function findOrder(sql: SqlStorage, mchId: string, outTradeNo: string): Order | undefined {
  return one(
    sql.exec<Row>("select * from orders where mch_id = ? and out_trade_no = ?", mchId, outTradeNo),
  );
}

/** Finds a paid order: before the payment its transaction does not exist. */
export function findByTransaction(
  sql: SqlStorage,
  mchId: string,
  transactionId: string,
): Order | undefined {
  return one(
    sql.exec<Row>(
      "select * from orders where mch_id = ? and transaction_id = ? and paid_at is not null",
      mchId,
      transactionId,
    ),
  );
}

/** Finds an order by its number alone; of several merchants' orders the newest. */
export function findAnyOrder(sql: SqlStorage, outTradeNo: string): Order | undefined {
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
    orderOf,
  );
}

/** The orders of a merchant that were paid from one instant until before another, oldest first. */
export function* ordersPaid(
  sql: SqlStorage,
  mchId: string,
  from: number,
  to: number,
): Iterable<Order & { paidAt: number }> {
  const rows = sql.exec<Row & { paid_at: number }>(
    "select * from orders where mch_id = ? and paid_at >= ? and paid_at < ? order by paid_at, rowid",
    mchId,
    from,
    to,
  );
  for (const row of rows) yield { ...orderOf(row), paidAt: row.paid_at };
}

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

/** The protocol by which an order was made, and which its notifications speak. */
export function protocolOf({ signType }: Pick<Order, "signType">): Protocol {
  return signType === "RSA" ? "v3" : "v2";
}

export interface Prepay {
  prepayId: string;
  /** The serial of the merchant's key that signed the call; null in APIv2. */
  serialNo: string | null;
  givenAt: number;
}

/** Notes a prepay id that an order was given. */
export function addPrepay(sql: SqlStorage, order: Order, prepay: Prepay): void {
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
    prepay.givenAt,
  );
}

/** What is known of a prepay id of this order, or undefined when it was never given. */
export function findPrepay(sql: SqlStorage, order: Order, prepayId: string): Prepay | undefined {
  const [row] = sql.exec<{ serial_no: string | null; created_at: number }>(
    `select serial_no, created_at from prepays
     where prepay_id = ? and mch_id = ? and out_trade_no = ?`,
    prepayId,
    order.mchId,
    order.outTradeNo,
  );
  return row && { prepayId, serialNo: row.serial_no, givenAt: row.created_at };
}

export function setTradeState(sql: SqlStorage, order: Order, state: TradeState): void {
  sql.exec(
    "update orders set state = ? where mch_id = ? and out_trade_no = ?",
    state,
    order.mchId,
    order.outTradeNo,
  );
}

export function setPaid(sql: SqlStorage, order: Order, now: number): void {
  sql.exec(
    "update orders set state = 'SUCCESS', paid_at = ? where mch_id = ? and out_trade_no = ?",
    now,
    order.mchId,
    order.outTradeNo,
  );
}

/** Closes what has been unpaid for 7 days. */
export function closeOverdue(sql: SqlStorage, now: number): void {
  sql.exec(
    "update orders set state = 'CLOSED' where state = 'NOTPAY' and created_at < ?",
    now - UNPAID_LIFE_MS,
  );
}

function one(rows: Iterable<Row>): Order | undefined {
  const [row] = rows;
  return row === undefined ? undefined : orderOf(row);
}

function orderOf(row: Row): Order {
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
