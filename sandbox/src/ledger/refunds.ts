import type { Order } from "./orders.ts";
import type { Protocol } from "./protocol.ts";
import { readParams } from "./stored-json.ts";

/** The outcomes of a refund. CHANGE (the payer's card is invalid) can still become SUCCESS. */
export const REFUND_RESULTS = ["SUCCESS", "CHANGE", "REFUNDCLOSE"] as const;
export type RefundResult = (typeof REFUND_RESULTS)[number];
/** The states of a refund. */
export type RefundStatus = "PROCESSING" | RefundResult;

/**
 * Where a refund was requested: by a call, or by a person in WeChat's merchant platform. The merchant
 * learns about the latter from the notification, a query or the bill.
 * `refund_request_source` at WeChat (W-54).
 */
export type RefundSource = "API" | "VENDOR_PLATFORM";

/** The merchant's accounts that can fund a refund. */
export const FUNDS_ACCOUNTS = ["AVAILABLE", "UNSETTLED"] as const;
export type FundsAccount = (typeof FUNDS_ACCOUNTS)[number];

/** A refund as WeChat Pay knows it. */
export interface Refund {
  /** That of the call or, without a call, of the order. It is that of its notifications. */
  readonly protocol: Protocol;
  readonly source: RefundSource;
  readonly mchId: string;
  readonly outRefundNo: string;
  readonly outTradeNo: string;
  readonly refundId: string;
  /** Fen. */
  readonly refundFee: number;
  /** Fen: the order's. */
  readonly totalFee: number;
  readonly notifyUrl: string | null;
  readonly account: FundsAccount;
  /** The business parameters of the first call, which a repeated one must match. */
  readonly params: Readonly<Record<string, string>>;
  readonly status: RefundStatus;
  readonly createdAt: number;
  readonly succeededAt: number | null;
  readonly calls: number;
  /** When and how the sandbox decides it; null when the control API does. */
  readonly decideAt: number | null;
  readonly decideAs: RefundResult | null;
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

/** Finds a merchant's refund by its own number; null when there is none. */
export function findRefund(sql: SqlStorage, mchId: string, outRefundNo: string): Refund | null {
  return one(
    sql.exec<Row>(
      "select * from refunds where mch_id = ? and out_refund_no = ?",
      mchId,
      outRefundNo,
    ),
  );
}

/** Finds a merchant's refund by WeChat's number; null when there is none. */
export function findRefundById(sql: SqlStorage, mchId: string, refundId: string): Refund | null {
  return one(
    sql.exec<Row>("select * from refunds where mch_id = ? and refund_id = ?", mchId, refundId),
  );
}

/** Finds the newest refund with a number across all merchants; null when there is none. */
export function findAnyRefund(sql: SqlStorage, outRefundNo: string): Refund | null {
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
  ].map(toRefund);
}

/** The notify_url of a merchant's latest refund in a protocol that has one; null when none has. */
export function latestNotifyUrl(sql: SqlStorage, mchId: string, protocol: Protocol): string | null {
  const [row] = sql.exec<{ notify_url: string }>(
    `select notify_url from refunds where mch_id = ? and protocol = ? and notify_url is not null
     order by created_at desc, rowid desc limit 1`,
    mchId,
    protocol,
  );
  return row?.notify_url ?? null;
}

/** A merchant's refunds that were requested in `[from, to)`, in Unix ms; oldest first. */
export function* refundsRequestedBetween(
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
  for (const row of rows) yield toRefund(row);
}

/** All refunds, newest first. */
export function listRefunds(sql: SqlStorage): Refund[] {
  return [...sql.exec<Row>("select * from refunds order by created_at desc, rowid desc")].map(
    toRefund,
  );
}

/** The refunds whose outcome is due. */
export function refundsDue(sql: SqlStorage, now: number): Refund[] {
  return [
    ...sql.exec<Row>("select * from refunds where decide_at <= ? order by decide_at, rowid", now),
  ].map(toRefund);
}

/** The sum of refunds in fen, whether decided or not. A closed refund doesn't count. */
export function sumRefundedFee(refunds: readonly Refund[]): number {
  return refunds
    .filter((refund) => refund.status !== "REFUNDCLOSE")
    .reduce((sum, refund) => sum + refund.refundFee, 0);
}

/** Stores a new refund. */
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

/** Records the outcome of a refund. */
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

function one(rows: Iterable<Row>): Refund | null {
  const [row] = rows;
  return row === undefined ? null : toRefund(row);
}

function toRefund(row: Row): Refund {
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
