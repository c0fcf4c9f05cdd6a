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

/** A "no" to an app's request: its code, and in Chinese what is expected. Never holds a secret. */
export interface Refusal {
  readonly code: ContractCode;
  readonly detail: string;
}

/** The app can mend it: a parameter, a signature, a state that forbids the request. */
export function badRequest(detail: string): Refusal {
  return { code: 501, detail };
}

/** The app can't mend it. `detail` says whether repeating is safe. */
export function serverFault(detail: string): Refusal {
  return { code: 503, detail };
}

/** One answer for an order that isn't there and one of another app: nobody can tell them apart. */
export const ORDER_ABSENT = badRequest("订单不存在");

/** The three endpoints take POST only. */
export const METHOD_REFUSED: Refusal = { code: 502, detail: "只接受 POST" };
