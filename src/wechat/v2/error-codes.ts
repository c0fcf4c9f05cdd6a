import { errorTable, unknown, type ErrorClass, type WechatError } from "../error-class.ts";
import type { BillAnswer, Refused, Unknown } from "../types.ts";

/**
 * Codes that mean the same in every call (W-06).
 *
 * SIGNERROR is the merchant's: how a message is signed is pinned by published vectors, which leaves
 * the stored key.
 */
const COMMON = {
  SYSTEMERROR: "unknown",
  FREQUENCY_LIMITED: "later",
  NOAUTH: "merchant",
  APPID_NOT_EXIST: "merchant",
  MCHID_NOT_EXIST: "merchant",
  APPID_MCHID_NOT_MATCH: "merchant",
  SIGNERROR: "merchant",
  PARAM_ERROR: "gateway",
  INVALID_REQUEST: "gateway",
  LACK_PARAMS: "gateway",
  XML_FORMAT_ERROR: "gateway",
  REQUIRE_POST_METHOD: "gateway",
  POST_DATA_EMPTY: "gateway",
  NOT_UTF8: "gateway",
} as const satisfies Record<string, ErrorClass>;

/** Codes of unifiedorder (W-21). `ask`: the number is in use; only orderquery tells for what. */
export const classifyPrepayError = classifier<ErrorClass | "paid" | "closed" | "ask">({
  ...COMMON,
  // Our own validation is narrower than WeChat's rules; what still offends is the app's value,
  // an openId of another appid being the usual one.
  PARAM_ERROR: "request",
  INVALID_REQUEST: "request",
  NOTENOUGH: "request",
  ORDERPAID: "paid",
  ORDERCLOSED: "closed",
  OUT_TRADE_NO_USED: "ask",
});

/** Codes of orderquery (W-31). */
export const classifyPaymentQueryError = classifier<ErrorClass | "absent">({
  ...COMMON,
  ORDERNOTEXIST: "absent",
});

/** Codes of closeorder (W-35). TRADE_STATE_ERROR names no state, so a query must. */
export const classifyCloseError = classifier<ErrorClass | "paid" | "closed" | "absent">({
  ...COMMON,
  ORDERPAID: "paid",
  ORDERCLOSED: "closed",
  ORDERNOTEXIST: "absent",
  TRADE_STATE_ERROR: "unknown",
});

/**
 * Codes of the refund (W-42, W-43). `ask`: ERROR can also mean "already refunded".
 *
 * `unknown` and `later` here are also the codes by which WeChat asks for the same request again.
 * A code that isn't listed is a final no, as in every call: a refund keeps its number whatever the
 * answer, so asking again later can't refund twice, while calling it unknown would have it
 * repeated for ever and hide a fault that a person must see.
 */
export const classifyRefundError = classifier<ErrorClass | "ask">({
  ...COMMON,
  BIZERR_NEED_RETRY: "unknown",
  INVALID_REQ_TOO_MUCH: "later",
  ORDER_NOT_READY: "later",
  NOTENOUGH: "merchant",
  CERT_ERROR: "merchant",
  INVALID_REQUEST: "request",
  TRADE_OVERDUE: "request",
  USER_ACCOUNT_ABNORMAL: "request",
  REFUND_FEE_MISMATCH: "gateway",
  INVALID_TRANSACTIONID: "gateway",
  ORDERNOTEXIST: "gateway",
  ERROR: "ask",
});

/** Codes of refundquery (W-48). */
export const classifyRefundQueryError = classifier<ErrorClass | "absent">({
  ...COMMON,
  REFUNDNOTEXIST: "absent",
  INVALID_TRANSACTIONID: "gateway",
});

/**
 * A `return_code=FAIL` answer (W-03). Unsigned, but TLS says who sent it, and WeChat refuses so
 * before doing anything: faults of form or signature. Taking it for final never doubles money,
 * since the number stays the same, whereas calling it unknown would hide a wrong setting for ever.
 * Only a text that speaks of WeChat's own trouble is unknown.
 */
export function answerToUnsignedFail(message: string): Refused | Unknown {
  if (/system\s?_?error|系统繁忙|系统错误|系统超时|频率|频繁|稍后/i.test(message)) {
    return { kind: "unknown", reason: `FAIL: ${message}` };
  }
  const ofSettings = /签名|sign|appid|mch_?id|商户号|证书|certificate/i.test(message);
  return { kind: "refused", code: "FAIL", message, blame: ofSettings ? "merchant" : "gateway" };
}

/**
 * W-58. The words tell more than the code, of which only 20002 has one meaning; how
 * they are spelled differs between the documents and life ("No Bill Exist", "NO Bill Exist").
 */
export function billAnswerOfError({ code, message }: WechatError): BillAnswer {
  if (code === "20002" || /no bill exist/i.test(message)) return { kind: "empty" };
  if (/bill creating/i.test(message)) return { kind: "creating" };
  if (code === "SYSTEMERROR" || /compressgzip error/i.test(message)) {
    return unknown(`${code}: ${message}`);
  }
  return answerToUnsignedFail(message);
}

/** A closed table as a function; a code that isn't listed is a final no to a message of ours. */
function classifier<V extends string>(
  table: Readonly<Record<string, V>>,
): (code: string) => V | "gateway" {
  const verdictOf = errorTable(table);
  return (code) => verdictOf(code) ?? "gateway";
}
