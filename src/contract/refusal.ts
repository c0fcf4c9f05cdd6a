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

/** The refusal of an app's request: its code, and the expectation in Chinese. Never has a secret. */
export interface Refusal {
  readonly code: ContractCode;
  readonly detail: string;
}

/** The app can fix the cause: a parameter, a signature, a state that forbids the request. */
export function badRequest(detail: string): Refusal {
  return { code: 501, detail };
}

/** The app can't fix the cause. `detail` says whether a retry is safe. */
export function serverFault(detail: string): Refusal {
  return { code: 503, detail };
}

/** The same for a missing order and for another app's: the response doesn't reveal which. */
export const ORDER_ABSENT = badRequest("订单不存在");

/** The app's setting `canRefund` is off. */
export const REFUNDS_OFF = badRequest("该应用不允许退款（canRefund 为 false），请联系网关运维");

/** The endpoints for apps accept POST only. */
export const METHOD_REFUSED: Refusal = { code: 502, detail: "只接受 POST" };
