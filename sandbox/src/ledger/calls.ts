import type { Books } from "./books.ts";

/** One thing that reached the sandbox: a WeChat Pay call, or a deed of the payer or WeChat. */
export interface Call {
  at: number;
  /** The HTTP path, or `payer`, `wechat` or `platform` for a deed done through the control API. */
  path: string;
  outTradeNo?: string;
  outRefundNo?: string;
  outcome: string;
}

const SHOWN = 200;

type Row = {
  at: number;
  path: string;
  out_trade_no: string | null;
  out_refund_no: string | null;
  outcome: string;
};

export function recordCall({ sql, now }: Books, call: Omit<Call, "at">): void {
  sql.exec(
    "insert into calls (at, path, out_trade_no, out_refund_no, outcome) values (?, ?, ?, ?, ?)",
    now,
    call.path,
    call.outTradeNo ?? null,
    call.outRefundNo ?? null,
    call.outcome,
  );
  sql.exec("delete from calls where id <= (select max(id) from calls) - ?", SHOWN);
}

/** The newest calls, newest first. */
export function listCalls(sql: SqlStorage): Call[] {
  const rows = sql.exec<Row>("select * from calls order by id desc limit ?", SHOWN);
  return Array.from(rows, (row) => ({
    at: row.at,
    path: row.path,
    ...(row.out_trade_no === null ? {} : { outTradeNo: row.out_trade_no }),
    ...(row.out_refund_no === null ? {} : { outRefundNo: row.out_refund_no }),
    outcome: row.outcome,
  }));
}
