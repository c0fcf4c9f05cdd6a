import type { RequestSignatureFault } from "./request-signature/fault.ts";

/**
 * The codes of the app-facing contract (README, "Codes") and the text that each `errmsg` begins with.
 */
export const CONTRACT_TEXTS = {
  501: "提交上来的参数错误",
  502: "请求方法错误",
  503: "服务器端运行错误",
} as const;

/** 501: the app must change its request. 502: not a POST. 503: a fault here or at WeChat. */
export type ContractCode = keyof typeof CONTRACT_TEXTS;

/** What is wrong with one parameter. */
export type ParameterFault =
  | "missing"
  | "invalid"
  | "repeated"
  /** Other than in the first request with the same number. */
  | "differs"
  /** Not sent, but a parameter with nearly its name was. */
  | "misspelt"
  /** WeChat's refusal names it. */
  | "refused-by-wechat";

/** What else a request is refused for. */
export type RequestFault =
  // Before the parameters are known.
  | "no-such-path"
  | "wrong-method"
  | "plain-http"
  | "body-too-large"
  | "body-broken-off"
  | "wrong-content-type"
  | "wrong-charset"
  | "not-utf-8"
  | "byte-order-mark"
  | "malformed-json"
  | "bad-parameter-name"
  | "too-many-parameters"
  // The caller.
  | "is-callback"
  | "unknown-app"
  | "wrong-sign"
  | "wrong-address"
  | "disabled-app"
  | "over-app-limit"
  // The order and its refunds.
  | "order-absent"
  | "order-paid"
  | "order-closed"
  | "order-unpaid"
  | "refunds-off"
  | "over-day-limit"
  | "nothing-left"
  | "too-many-refunds"
  | "payment-too-old"
  | "amount-taken"
  | "refund-abnormal"
  | "refund-held"
  // WeChat and the gateway.
  | "refused-by-wechat"
  | "unknown-at-wechat"
  | "unreadable-secrets"
  | "not-configured"
  | "internal-error";

/** Why a request is refused, for the log: a fault of a closed set and a parameter's name, never a value. */
export type Reason =
  | RequestFault
  | { readonly fault: ParameterFault; readonly parameter: string }
  /** The signature by RFC 9421, and the step of its verification that failed. */
  | { readonly fault: "request-signature"; readonly step: RequestSignatureFault["kind"] };

/** One fault of a request. */
export interface Fault {
  /** The expectation in Chinese. Never has a secret. */
  readonly detail: string;
  readonly reason: Reason;
}

/** The refusal of an app's request: its code and its first fault. */
export interface Refusal extends Fault {
  readonly code: ContractCode;
  /** Other faults of the request, fewer than `MAX_FAULTS`. */
  readonly further: readonly Fault[];
}

/** How many faults of a request are named at once. */
export const MAX_FAULTS = 5;

/** The app can fix the cause: a parameter, a signature, a state that forbids the request. */
export function badRequest(detail: string, reason: Reason): Refusal {
  return { code: 501, detail, reason, further: [] };
}

/** The app can't fix the cause. `detail` says whether a retry is safe. */
export function serverFault(detail: string, reason: Reason): Refusal {
  return { code: 503, detail, reason, further: [] };
}

/** The same refusal with further faults of the request, up to `MAX_FAULTS`. */
export function withFaults(refusal: Refusal, faults: readonly Fault[]): Refusal {
  return { ...refusal, further: [...refusal.further, ...faults].slice(0, MAX_FAULTS - 1) };
}

/** All faults, the first one first. */
export function faultsOf({ detail, reason, further }: Refusal): Fault[] {
  return [{ detail, reason }, ...further];
}

/** The details of all faults, as one text. */
export function detailOf(refusal: Refusal): string {
  return faultsOf(refusal)
    .map(({ detail }) => detail)
    .join("；");
}

/** The reasons of all faults, for the log: `missing totalFree, invalid tag`. */
export function reasonOf(refusal: Refusal): string {
  return faultsOf(refusal)
    .map(({ reason }) => describeReason(reason))
    .join(", ");
}

function describeReason(reason: Reason): string {
  if (typeof reason === "string") return reason;
  return `${reason.fault} ${reason.fault === "request-signature" ? reason.step : reason.parameter}`;
}

/** The same for a missing order and for another app's: the response doesn't reveal which. */
export const ORDER_ABSENT = badRequest("订单不存在", "order-absent");

/** The app's setting `canRefund` is off. */
export const REFUNDS_OFF = badRequest(
  "该应用不允许退款（canRefund 为 false），请联系网关运维",
  "refunds-off",
);

/** The endpoints for apps accept POST only. */
export const METHOD_REFUSED: Refusal = {
  code: 502,
  detail: "只接受 POST",
  reason: "wrong-method",
  further: [],
};
