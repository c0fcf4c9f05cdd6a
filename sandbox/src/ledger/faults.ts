/** The five calls, by the last part of their path. */
export const API_CALLS = [
  "unifiedorder",
  "orderquery",
  "closeorder",
  "refund",
  "refundquery",
] as const;
export type ApiCall = (typeof API_CALLS)[number];

/** What can go wrong with a call; `-after` and `drop-after` act first and then go wrong. */
export const CALL_FAULTS = [
  "no-answer",
  "no-answer-after",
  "drop-before",
  "drop-after",
  "http-500",
  "http-500-after",
  "systemerror",
  "systemerror-after",
  "wrong-signature",
  "html-page",
  "slow",
  "refuse",
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

export const NOTIFICATION_KINDS = ["pay", "refund"] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** What can go wrong with a notification: with all its attempts, not with one of them. */
export const NOTIFICATION_FAULTS = [
  "late",
  "twice",
  "before-its-time",
  "wrong-amount",
  "wrong-merchant",
  "wrong-app",
  "forged",
  "unsigned",
  "never",
] as const;
export type NotificationFault = (typeof NOTIFICATION_FAULTS)[number];

interface Details {
  outTradeNo?: string | undefined;
  errCode?: string | undefined;
  errCodeDes?: string | undefined;
  delayMs?: number | undefined;
}

/** A fault to come, for the next `times` calls or notifications that match it. */
export type Fault = (
  | { on: "call"; path: ApiCall; fault: CallFault }
  | { on: "notification"; kind: NotificationKind; fault: NotificationFault }
) & { times: number } & Details;

export type StoredFault = Fault & { id: number };

type Row = {
  id: number;
  times_left: number;
  out_trade_no: string | null;
  err_code: string | null;
  err_code_des: string | null;
  delay_ms: number | null;
} & (
  | { place: "call"; target: ApiCall; fault: CallFault }
  | { place: "notification"; target: NotificationKind; fault: NotificationFault }
);

export function addFault(sql: SqlStorage, fault: Fault): StoredFault {
  const row = sql
    .exec<Row>(
      `insert into faults (place, target, fault, times_left, out_trade_no, err_code, err_code_des,
         delay_ms) values (?, ?, ?, ?, ?, ?, ?, ?) returning *`,
      fault.on,
      fault.on === "call" ? fault.path : fault.kind,
      fault.fault,
      fault.times,
      fault.outTradeNo ?? null,
      fault.errCode ?? null,
      fault.errCodeDes ?? null,
      fault.delayMs ?? null,
    )
    .one();
  return faultOf(row);
}

/** Faults that are still to come, oldest first; `times` is what is left. */
export function listFaults(sql: SqlStorage): StoredFault[] {
  return [...sql.exec<Row>("select * from faults order by id")].map(faultOf);
}

export function clearFaults(sql: SqlStorage): void {
  sql.exec("delete from faults");
}

/** Uses up the oldest fault for a call about this order, if there is one. */
export function takeCallFault(
  sql: SqlStorage,
  path: ApiCall,
  outTradeNo: string | undefined,
): Extract<Fault, { on: "call" }> | undefined {
  const fault = take(sql, (it) => it.on === "call" && it.path === path && concerns(it, outTradeNo));
  return fault?.on === "call" ? fault : undefined;
}

/**
 * Uses up the oldest fault for a notification about this order, if there is one. `early` tells
 * whether its time has not come yet, when only `before-its-time` applies, and only then.
 */
export function takeNotificationFault(
  sql: SqlStorage,
  kind: NotificationKind,
  outTradeNo: string,
  early: boolean,
): Extract<Fault, { on: "notification" }> | undefined {
  const fault = take(
    sql,
    (it) =>
      it.on === "notification" &&
      it.kind === kind &&
      (it.fault === "before-its-time") === early &&
      concerns(it, outTradeNo),
  );
  return fault?.on === "notification" ? fault : undefined;
}

function concerns(fault: Fault, outTradeNo: string | undefined): boolean {
  return fault.outTradeNo === undefined || fault.outTradeNo === outTradeNo;
}

function take(sql: SqlStorage, matches: (fault: Fault) => boolean): StoredFault | undefined {
  const fault = listFaults(sql).find(matches);
  if (fault === undefined) return undefined;
  sql.exec("update faults set times_left = times_left - 1 where id = ?", fault.id);
  sql.exec("delete from faults where times_left <= 0");
  return fault;
}

function faultOf(row: Row): StoredFault {
  const common = {
    id: row.id,
    times: row.times_left,
    ...(row.out_trade_no === null ? {} : { outTradeNo: row.out_trade_no }),
    ...(row.err_code === null ? {} : { errCode: row.err_code }),
    ...(row.err_code_des === null ? {} : { errCodeDes: row.err_code_des }),
    ...(row.delay_ms === null ? {} : { delayMs: row.delay_ms }),
  };
  return row.place === "call"
    ? { on: row.place, path: row.target, fault: row.fault, ...common }
    : { on: row.place, kind: row.target, fault: row.fault, ...common };
}
