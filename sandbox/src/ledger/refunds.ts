import type { Order } from "./orders.ts";
import type { Protocol } from "./protocol.ts";
import { readParams } from "./stored-json.ts";

/** Where a refund can end. CHANGE (the payer's card is dead) can still become SUCCESS. */
export const REFUND_RESULTS = ["SUCCESS", "CHANGE", "REFUNDCLOSE"] as const;
export type RefundResult = (typeof REFUND_RESULTS)[number];
export type RefundStatus = "PROCESSING" | RefundResult;

/**
 * Who asked for a refund: a call, or a person in WeChat's merchant platform, of whose refund the
 * merchant learns by the notification, a query or the bill. WeChat docs: `refund_request_source`.
 */
export type RefundSource = "API" | "VENDOR_PLATFORM";

/** The merchant's account that pays a refund. */
export type FundsAccount = "AVAILABLE" | "UNSETTLED";

export interface Refund {
  /** By which it was asked for (the order's, if by no call), and which its notifications speak. */
  protocol: Protocol;
  source: RefundSource;
  mchId: string;
  outRefundNo: string;
  outTradeNo: string;
  refundId: string;
  /** Fen. */
  refundFee: number;
  /** Fen: the order's. */
  totalFee: number;
  notifyUrl: string | null;
  account: FundsAccount;
  /** The business parameters of the first call, which a repeat must match. */
  params: Readonly<Record<string, string>>;
  status: RefundStatus;
  createdAt: number;
  succeededAt: number | null;
  calls: number;
  /** When and how the sandbox decides it by itself; null when a person does. */
  decideAt: number | null;
  decideAs: RefundResult | null;
}

type Row = {
  mch_id: string;
  out_refund_no: string;
  out_trade_no: string;
  refund_id: string;
  refund_fee: number;
  total_fee: number;
  protocol: Protocol;
  source: RefundSource;
  notify_url: string | null;
  account: FundsAccount;
  params: string;
  status: RefundStatus;
  created_at: number;
  succeeded_at: number | null;
  calls: number;
  decide_at: number | null;
  decide_as: RefundResult | null;
};

export function findRefund(
  sql: SqlStorage,
  mchId: string,
  outRefundNo: string,
): Refund | undefined {
  return one(
    sql.exec<Row>(
      "select * from refunds where mch_id = ? and out_refund_no = ?",
      mchId,
      outRefundNo,
    ),
  );
}

export function findByRefundId(
  sql: SqlStorage,
  mchId: string,
  refundId: string,
): Refund | undefined {
  return one(
    sql.exec<Row>("select * from refunds where mch_id = ? and refund_id = ?", mchId, refundId),
  );
}

/** Finds a refund by its number alone; of several merchants' refunds the newest. */
export function findAnyRefund(sql: SqlStorage, outRefundNo: string): Refund | undefined {
  return one(
    sql.exec<Row>(
      "select * from refunds where out_refund_no = ? order by created_at desc, rowid desc limit 1",
      outRefundNo,
    ),
  );
}

/** An order's refunds, oldest first. */
export function refundsOf(sql: SqlStorage, order: Order): Refund[] {
  return [
    ...sql.exec<Row>(
      "select * from refunds where mch_id = ? and out_trade_no = ? order by created_at, rowid",
      order.mchId,
      order.outTradeNo,
    ),
  ].map(refundOf);
}

/**
 * Where a merchant had its latest refund notified, in a protocol; null when it never named a place.
 */
export function latestNotifyUrl(sql: SqlStorage, mchId: string, protocol: Protocol): string | null {
  const [row] = sql.exec<{ notify_url: string }>(
    `select notify_url from refunds where mch_id = ? and protocol = ? and notify_url is not null
     order by created_at desc, rowid desc limit 1`,
    mchId,
    protocol,
  );
  return row?.notify_url ?? null;
}

/** The refunds of a merchant that were asked for from one instant until before another. */
export function* refundsAskedFor(
  sql: SqlStorage,
  mchId: string,
  from: number,
  to: number,
): Iterable<Refund> {
  const rows = sql.exec<Row>(
    `select * from refunds where mch_id = ? and created_at >= ? and created_at < ?
     order by created_at, rowid`,
    mchId,
    from,
    to,
  );
  for (const row of rows) yield refundOf(row);
}

/** All refunds, newest first. */
export function listRefunds(sql: SqlStorage): Refund[] {
  return [...sql.exec<Row>("select * from refunds order by created_at desc, rowid desc")].map(
    refundOf,
  );
}

/** Refunds whose time to be decided has come. */
export function refundsToDecide(sql: SqlStorage, now: number): Refund[] {
  return [
    ...sql.exec<Row>("select * from refunds where decide_at <= ? order by decide_at, rowid", now),
  ].map(refundOf);
}

/** Fen that are refunded or being refunded; a closed refund gives its amount back. */
export function liveFee(refunds: Refund[]): number {
  return refunds
    .filter((refund) => refund.status !== "REFUNDCLOSE")
    .reduce((sum, refund) => sum + refund.refundFee, 0);
}

export function insertRefund(sql: SqlStorage, refund: Refund): void {
  sql.exec(
    `insert into refunds (mch_id, out_refund_no, out_trade_no, refund_id, refund_fee, total_fee,
       protocol, source, notify_url, account, params, status, created_at, succeeded_at, calls, decide_at,
       decide_as)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    refund.mchId,
    refund.outRefundNo,
    refund.outTradeNo,
    refund.refundId,
    refund.refundFee,
    refund.totalFee,
    refund.protocol,
    refund.source,
    refund.notifyUrl,
    refund.account,
    JSON.stringify(refund.params),
    refund.status,
    refund.createdAt,
    refund.succeededAt,
    refund.calls,
    refund.decideAt,
    refund.decideAs,
  );
}

/** Counts a repeated call for the same refund. */
export function countRefundCall(sql: SqlStorage, refund: Refund): void {
  sql.exec(
    "update refunds set calls = calls + 1 where mch_id = ? and out_refund_no = ?",
    refund.mchId,
    refund.outRefundNo,
  );
}

export function setRefundStatus(
  sql: SqlStorage,
  refund: Refund,
  status: RefundResult,
  now: number,
): void {
  sql.exec(
    `update refunds set status = ?, succeeded_at = ?, decide_at = null, decide_as = null
     where mch_id = ? and out_refund_no = ?`,
    status,
    status === "SUCCESS" ? now : null,
    refund.mchId,
    refund.outRefundNo,
  );
}

function one(rows: Iterable<Row>): Refund | undefined {
  const [row] = rows;
  return row === undefined ? undefined : refundOf(row);
}

function refundOf(row: Row): Refund {
  return {
    mchId: row.mch_id,
    outRefundNo: row.out_refund_no,
    outTradeNo: row.out_trade_no,
    refundId: row.refund_id,
    refundFee: row.refund_fee,
    totalFee: row.total_fee,
    protocol: row.protocol,
    source: row.source,
    notifyUrl: row.notify_url,
    account: row.account,
    params: readParams(row.params),
    status: row.status,
    createdAt: row.created_at,
    succeededAt: row.succeeded_at,
    calls: row.calls,
    decideAt: row.decide_at,
    decideAs: row.decide_as,
  };
}
