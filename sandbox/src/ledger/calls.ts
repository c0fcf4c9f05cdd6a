import type { LedgerTransaction } from "./transaction.ts";

/** One entry of the call log: a WeChat Pay call, or an action of the payer or of WeChat. */
export interface CallRecord {
  readonly at: number;
  /** The HTTP path, or `payer`, `wechat` or `platform` for an action of the control API. */
  readonly path: string;
  readonly outTradeNo?: string;
  readonly outRefundNo?: string;
  readonly outcome: string;
}

/** How many calls are kept. */
const MAX_CALLS = 200;

type Row = {
  at: number;
  path: string;
  out_trade_no: string | null;
  out_refund_no: string | null;
  outcome: string;
};

/** Adds a call to the log and removes the oldest one when the log is full. */
export function recordCall({ sql, now }: LedgerTransaction, call: Omit<CallRecord, "at">): void {
  sql.exec(
    "insert into calls (at, path, out_trade_no, out_refund_no, outcome) values (?, ?, ?, ?, ?)",
    now,
    call.path,
    call.outTradeNo ?? null,
    call.outRefundNo ?? null,
    call.outcome,
  );
  sql.exec("delete from calls where id <= (select max(id) from calls) - ?", MAX_CALLS);
}

/** All calls that are kept, newest first. */
export function listCalls(sql: SqlStorage): CallRecord[] {
  const rows = sql.exec<Row>("select * from calls order by id desc limit ?", MAX_CALLS);
  return Array.from(rows, (row) => ({
    at: row.at,
    path: row.path,
    ...(row.out_trade_no === null ? {} : { outTradeNo: row.out_trade_no }),
    ...(row.out_refund_no === null ? {} : { outRefundNo: row.out_refund_no }),
    outcome: row.outcome,
  }));
}

/** Records that the response to an APIv3 call, given by its fingerprint, is a signature probe. */
export function recordProbe(sql: SqlStorage, fingerprint: string): void {
  sql.exec("insert or ignore into probes (request) values (?)", fingerprint);
}

/**
 * Whether the last response to the same call was a signature probe, so that this one must not be.
 * Removes the record.
 */
export function takeProbe(sql: SqlStorage, fingerprint: string): boolean {
  const known = sql.exec("delete from probes where request = ? returning request", fingerprint);
  return [...known].length > 0;
}
