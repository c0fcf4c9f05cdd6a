import { impossible } from "../exhaustive.ts";
import {
  onlyInV3,
  type ApiCall,
  type BillFault,
  type CallFault,
  type NotificationFault,
  type NotificationKind,
  type SignatureHeader,
} from "./fault-names.ts";
import type { Protocol } from "./protocol.ts";

interface Details {
  outTradeNo?: string | undefined;
  errCode?: string | undefined;
  errCodeDes?: string | undefined;
  delayMs?: number | undefined;
  /** The HTTP status that goes with `errCode` in APIv3, when it is not the usual one. */
  httpStatus?: number | undefined;
  /** What `missing-header` leaves out. */
  header?: SignatureHeader | undefined;
}

/** A fault to come, for the next `times` calls or notifications that match it. */
export type Fault = (
  | { on: "call"; path: ApiCall; fault: CallFault }
  | { on: "notification"; kind: NotificationKind; fault: NotificationFault }
  | {
      on: "bill";
      fault: BillFault;
      outRefundNo?: string | undefined;
      /** The only merchant whose bills it concerns. */
      mchId?: string | undefined;
    }
) & { times: number } & Details;

export type StoredFault = Fault & { id: number };
export type StruckCall = Extract<Fault, { on: "call" }>;
export type ArmedBillFault = Extract<StoredFault, { on: "bill" }>;
export type StruckNotification = Extract<Fault, { on: "notification" }>;

type Row = {
  id: number;
  times_left: number;
  out_trade_no: string | null;
  out_refund_no: string | null;
  mch_id: string | null;
  err_code: string | null;
  err_code_des: string | null;
  delay_ms: number | null;
  http_status: number | null;
  header: SignatureHeader | null;
} & (
  | { place: "call"; target: ApiCall; fault: CallFault }
  | { place: "notification"; target: NotificationKind; fault: NotificationFault }
  | { place: "bill"; target: null; fault: BillFault }
);

/** What a fault is aimed at, of the kinds of its place. */
function targetOf(fault: Fault): Row["target"] {
  switch (fault.on) {
    case "call":
      return fault.path;
    case "notification":
      return fault.kind;
    case "bill":
      return null;
  }
  return impossible(fault);
}

export function addFault(sql: SqlStorage, fault: Fault): StoredFault {
  const row = sql
    .exec<Row>(
      `insert into faults (place, target, fault, times_left, out_trade_no, out_refund_no, mch_id,
         err_code, err_code_des, delay_ms, http_status, header)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning *`,
      fault.on,
      targetOf(fault),
      fault.fault,
      fault.times,
      fault.outTradeNo ?? null,
      fault.on === "bill" ? (fault.outRefundNo ?? null) : null,
      fault.on === "bill" ? (fault.mchId ?? null) : null,
      fault.errCode ?? null,
      fault.errCodeDes ?? null,
      fault.delayMs ?? null,
      fault.httpStatus ?? null,
      fault.header ?? null,
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

/** A call, as far as a fault looks at it. */
export interface CallAtRisk {
  protocol: Protocol;
  call: ApiCall;
  outTradeNo: string | undefined;
  /** Whether its reply was a signature probe the last time: repeats are not probed. */
  probed: boolean;
}

/** Uses up the oldest fault for a call, if there is one. */
export function takeCallFault(sql: SqlStorage, call: CallAtRisk): StruckCall | undefined {
  const fault = take(
    sql,
    (it) =>
      it.on === "call" &&
      it.path === call.call &&
      concerns(it, call) &&
      !(call.probed && it.fault === "probe"),
  );
  return fault?.on === "call" ? fault : undefined;
}

/** A notification, as far as a fault looks at it. */
export interface NotificationAtRisk {
  protocol: Protocol;
  kind: NotificationKind;
  outTradeNo: string;
  /** Whether its time has not come yet: then only `before-its-time` applies, and only then. */
  early: boolean;
}

/** Uses up the oldest fault for a notification, if there is one. */
export function takeNotificationFault(
  sql: SqlStorage,
  notification: NotificationAtRisk,
): StruckNotification | undefined {
  const fault = take(
    sql,
    (it) =>
      it.on === "notification" &&
      it.kind === notification.kind &&
      (it.fault === "before-its-time") === notification.early &&
      concerns(it, notification),
  );
  return fault?.on === "notification" ? fault : undefined;
}

/** The faults that are armed for a merchant's bills in a protocol, oldest first. */
export function billFaultsFor(
  sql: SqlStorage,
  mchId: string,
  protocol: Protocol,
): ArmedBillFault[] {
  return listFaults(sql).flatMap((it) => {
    if (it.on !== "bill" || (it.mchId !== undefined && it.mchId !== mchId)) return [];
    return protocol === "v2" && it.fault === "wrong-hash" ? [] : [it];
  });
}

/** Uses up a fault once. */
export function useUp(sql: SqlStorage, { id }: StoredFault): void {
  sql.exec("update faults set times_left = times_left - 1 where id = ?", id);
  sql.exec("delete from faults where times_left <= 0");
}

function concerns(
  fault: StruckCall | StruckNotification,
  { protocol, outTradeNo }: { protocol: Protocol; outTradeNo: string | undefined },
): boolean {
  if (protocol === "v2" && onlyInV3(fault.fault)) return false;
  return fault.outTradeNo === undefined || fault.outTradeNo === outTradeNo;
}

function take(sql: SqlStorage, matches: (fault: Fault) => boolean): StoredFault | undefined {
  const fault = listFaults(sql).find(matches);
  if (fault !== undefined) useUp(sql, fault);
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
    ...(row.http_status === null ? {} : { httpStatus: row.http_status }),
    ...(row.header === null ? {} : { header: row.header }),
  };
  switch (row.place) {
    case "call":
      return { on: row.place, path: row.target, fault: row.fault, ...common };
    case "notification":
      return { on: row.place, kind: row.target, fault: row.fault, ...common };
    case "bill":
      return {
        on: row.place,
        fault: row.fault,
        ...common,
        ...(row.out_refund_no === null ? {} : { outRefundNo: row.out_refund_no }),
        ...(row.mch_id === null ? {} : { mchId: row.mch_id }),
      };
  }
  return impossible(row);
}
