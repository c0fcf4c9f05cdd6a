import {
  isV3Only,
  type ApiCall,
  type BillFault,
  type CallFault,
  type NotificationFault,
  type NotificationKind,
  type SignatureHeader,
} from "./fault-names.ts";
import type { Protocol } from "./protocol.ts";

/** Absent where the control API's JSON has no such field. */
interface FaultOptions {
  readonly outTradeNo?: string | undefined;
  readonly errCode?: string | undefined;
  readonly errCodeDes?: string | undefined;
  readonly delayMs?: number | undefined;
  /** Overrides the usual HTTP status of `errCode` in APIv3. */
  readonly httpStatus?: number | undefined;
  /** The header that `missing-header` omits. */
  readonly header?: SignatureHeader | undefined;
}

/** An armed fault: it applies to the next `times` matching calls, notifications or bills. */
export type Fault = (
  | { readonly on: "call"; readonly path: ApiCall; readonly fault: CallFault }
  | {
      readonly on: "notification";
      readonly kind: NotificationKind;
      readonly fault: NotificationFault;
    }
  | {
      readonly on: "bill";
      readonly fault: BillFault;
      readonly outRefundNo?: string | undefined;
      /** The only merchant whose bills it applies to. */
      readonly mchId?: string | undefined;
    }
) & { readonly times: number } & FaultOptions;

/** An armed fault with its id. */
export type StoredFault = Fault & { readonly id: number };
/** An armed fault of a bill, which is consumed when the bill is generated. */
export type ArmedBillFault = Extract<StoredFault, { readonly on: "bill" }>;
/** A fault that applies to the call at hand. */
export type AppliedCallFault = Extract<Fault, { readonly on: "call" }>;
/** A fault that applies to the notification at hand. */
export type AppliedNotificationFault = Extract<Fault, { readonly on: "notification" }>;

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

/** The call or the kind of notification that a fault applies to; null for bills. */
function targetOf(fault: Fault): Row["target"] {
  switch (fault.on) {
    case "call":
      return fault.path;
    case "notification":
      return fault.kind;
    case "bill":
      return null;
  }
}

/** Arms a fault. */
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
  return toFault(row);
}

/** The armed faults, oldest first; `times` is how often each still applies. */
export function listFaults(sql: SqlStorage): StoredFault[] {
  return [...sql.exec<Row>("select * from faults order by id")].map(toFault);
}

/** Disarms all faults. */
export function clearFaults(sql: SqlStorage): void {
  sql.exec("delete from faults");
}

/** The parts of a call that faults are matched by. */
export interface CallToMatch {
  readonly protocol: Protocol;
  readonly call: ApiCall;
  readonly outTradeNo: string | null;
  /** Whether its last response was a signature probe: the repeat of such a call is not probed. */
  readonly probed: boolean;
}

/** Consumes the oldest fault that matches a call; null when none does. */
export function takeCallFault(sql: SqlStorage, call: CallToMatch): AppliedCallFault | null {
  const fault = take(
    sql,
    (it) =>
      it.on === "call" &&
      it.path === call.call &&
      appliesTo(it, call) &&
      !(call.probed && it.fault === "probe"),
  );
  return fault?.on === "call" ? fault : null;
}

/** The parts of a notification that faults are matched by. */
export interface NotificationToMatch {
  readonly protocol: Protocol;
  readonly kind: NotificationKind;
  readonly outTradeNo: string;
  /** Whether its event hasn't happened yet. Only `before-its-time` matches then, and only then. */
  readonly early: boolean;
}

/** Consumes the oldest fault that matches a notification; null when none does. */
export function takeNotificationFault(
  sql: SqlStorage,
  notification: NotificationToMatch,
): AppliedNotificationFault | null {
  const fault = take(
    sql,
    (it) =>
      it.on === "notification" &&
      it.kind === notification.kind &&
      (it.fault === "before-its-time") === notification.early &&
      appliesTo(it, notification),
  );
  return fault?.on === "notification" ? fault : null;
}

/** The faults that are armed for a merchant's bills in a protocol, oldest first. None is consumed. */
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

/** Consumes one use of a fault and disarms it after the last one. */
export function consumeFault(sql: SqlStorage, { id }: StoredFault): void {
  sql.exec("update faults set times_left = times_left - 1 where id = ?", id);
  sql.exec("delete from faults where times_left <= 0");
}

function appliesTo(
  fault: AppliedCallFault | AppliedNotificationFault,
  { protocol, outTradeNo }: Pick<CallToMatch, "protocol" | "outTradeNo">,
): boolean {
  if (protocol === "v2" && isV3Only(fault.fault)) return false;
  return fault.outTradeNo === undefined || fault.outTradeNo === outTradeNo;
}

function take(sql: SqlStorage, matches: (fault: Fault) => boolean): StoredFault | null {
  const fault = listFaults(sql).find(matches) ?? null;
  if (fault !== null) consumeFault(sql, fault);
  return fault;
}

function toFault(row: Row): StoredFault {
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
}
