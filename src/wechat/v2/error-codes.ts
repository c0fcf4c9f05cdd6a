import { errorTable, unknown, type ErrorClass, type WechatError } from "../error-class.ts";
import type { BillAnswer, Refused, Unknown } from "../types.ts";

/**
 * Codes with the same meaning in every call (W-06).
 *
 * SIGNERROR is blamed on the merchant: published test vectors verify our signing, so the stored key
 * must be wrong.
 */
const COMMON = {
  SYSTEMERROR: "unknown",
  FREQUENCY_LIMITED: "later",
  NOAUTH: "merchant",
  APPID_NOT_EXIST: "merchant",
  MCHID_NOT_EXIST: "merchant",
  APPID_MCHID_NOT_MATCH: "merchant",
  RULE_LIMIT: "merchant",
  ACCOUNT_ERROR: "merchant",
  SIGNERROR: "merchant",
  PARAM_ERROR: "gateway",
  INVALID_REQUEST: "gateway",
  LACK_PARAMS: "gateway",
  XML_FORMAT_ERROR: "gateway",
  REQUIRE_POST_METHOD: "gateway",
  POST_DATA_EMPTY: "gateway",
  NOT_UTF8: "gateway",
} as const satisfies Record<string, ErrorClass>;

/** Codes of unifiedorder (W-21). `query`: the number is in use; orderquery shows by which order. */
export const classifyPrepayError = classifier<ErrorClass | "paid" | "closed" | "query">({
  ...COMMON,
  // Our validation is stricter than WeChat's, so the app's value is at fault: usually an openId of
  // another appid. A text that names a value of ours is blamed on us (named-field.ts).
  PARAM_ERROR: "request",
  INVALID_REQUEST: "request",
  NOTENOUGH: "request",
  ORDERPAID: "paid",
  ORDERCLOSED: "closed",
  OUT_TRADE_NO_USED: "query",
});

/** Codes of orderquery (W-31). */
export const classifyPaymentQueryError = classifier<ErrorClass | "absent">({
  ...COMMON,
  ORDERNOTEXIST: "absent",
});

/** Codes of closeorder (W-35). TRADE_STATE_ERROR doesn't name the state, so a query is needed. */
export const classifyCloseError = classifier<ErrorClass | "paid" | "closed" | "absent">({
  ...COMMON,
  ORDERPAID: "paid",
  ORDERCLOSED: "closed",
  ORDERNOTEXIST: "absent",
  TRADE_STATE_ERROR: "unknown",
});

/**
 * Codes of the refund (W-42, W-43). ERROR can also mean "already refunded", by this number too: the
 * caller queries every refused refund.
 *
 * `unknown` and `later` include the codes by which WeChat asks for the same request again. An
 * unlisted code is a refusal, as in every call: a refund keeps its number whatever the answer, so a
 * later repeat can't refund twice, whereas `unknown` would be repeated forever and hide a fault that
 * the operator must see.
 */
export const classifyRefundError = classifier<ErrorClass>({
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
  ERROR: "request",
});

/** Codes of refundquery (W-48). */
export const classifyRefundQueryError = classifier<ErrorClass | "absent">({
  ...COMMON,
  REFUNDNOTEXIST: "absent",
  INVALID_TRANSACTIONID: "gateway",
});

/**
 * A `return_code=FAIL` answer (W-03). It is unsigned, but TLS authenticates the sender, and WeChat
 * sends it before doing anything: for faults of format or signature. Treating it as a refusal never
 * pays or refunds twice, since the number stays the same; `unknown` would hide a wrong setting
 * forever. Only a text about a fault of WeChat's own is unknown. A text that names a value of the
 * app's is attributed by the call that sent it (named-field.ts).
 */
export function answerToUnsignedFail(message: string): Refused | Unknown {
  if (/system\s?_?error|系统繁忙|系统错误|系统超时|频率|频繁|稍后/i.test(message)) {
    return { kind: "unknown", reason: `FAIL: ${message}` };
  }
  const ofSettings = /签名|sign|appid|mch_?id|商户号|证书|certificate|权限/i.test(message);
  return { kind: "refused", code: "FAIL", message, blame: ofSettings ? "merchant" : "gateway" };
}

/**
 * The answer for a bill's error (W-58). The message says more than the code, since only 20002 is
 * unambiguous. Documents and live messages differ in spelling ("No Bill Exist", "NO Bill Exist").
 */
export function billAnswerOfError({ code, message }: WechatError): BillAnswer {
  if (code === "20002" || /no bill exist/i.test(message)) return { kind: "empty" };
  if (/bill creating/i.test(message)) return { kind: "creating" };
  if (code === "SYSTEMERROR" || /compressgzip error/i.test(message)) {
    return unknown(`${code}: ${message}`);
  }
  return answerToUnsignedFail(message);
}

/** Classifies codes by a table. An unlisted code is a refusal, blamed on our message. */
function classifier<C extends string>(
  table: Readonly<Record<string, C>>,
): (code: string) => C | "gateway" {
  const classOf = errorTable(table);
  return (code) => classOf(code) ?? "gateway";
}
