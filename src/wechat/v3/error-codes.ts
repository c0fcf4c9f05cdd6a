import { errorTable, type ErrorClass, type WechatError } from "../error-class.ts";

/** An answer with status 4xx or 5xx. It is unsigned; TLS authenticates the sender. */
export interface HttpError extends WechatError {
  readonly status: number;
  /** The path of the field at fault (`/payer/openid`); null when the answer names none (W-67). */
  readonly field: string | null;
}

/*
 * The classes of WeChat's error codes, call by call (W-86). The names are written with underscores
 * here; the lookup ignores them.
 */

/**
 * Codes with the same meaning in every call.
 *
 * SIGN_ERROR is blamed on the merchant: published test vectors verify our signing, so the stored key
 * or its serial number must be wrong.
 */
const COMMON = {
  SYSTEM_ERROR: "unknown",
  FREQUENCY_LIMITED: "later",
  NO_AUTH: "merchant",
  SIGN_ERROR: "merchant",
  MCH_NOT_EXISTS: "merchant",
  APPID_MCHID_NOT_MATCH: "merchant",
  PARAM_ERROR: "gateway",
  INVALID_REQUEST: "gateway",
  // The merchant's quota and account: the app can't mend either.
  RULE_LIMIT: "merchant",
  ACCOUNT_ERROR: "merchant",
} as const satisfies Record<string, ErrorClass>;

/** Business rules, in all calls about a payment: this attempt is refused. */
const PAYMENT = {
  ...COMMON,
  TRADE_ERROR: "request",
} as const satisfies Record<string, ErrorClass>;

/** Codes of the order (W-87). `query`: the number is in use; a query shows by which order. */
export const classifyPrepayError = classifier<ErrorClass | "paid" | "closed" | "query">({
  ...PAYMENT,
  // Our validation is stricter than WeChat's, so the app's value is at fault: usually an openId of
  // another appid.
  PARAM_ERROR: "request",
  INVALID_REQUEST: "request",
  OPENID_MISMATCH: "request",
  NOT_ENOUGH: "request",
  INVALID_TRANSACTIONID: "gateway",
  BANK_ERROR: "unknown",
  ORDER_PAID: "paid",
  ORDER_CLOSED: "closed",
  OUT_TRADE_NO_USED: "query",
});

/** Codes of the order query (W-87). */
export const classifyPaymentQueryError = classifier<ErrorClass | "absent">({
  ...PAYMENT,
  ORDER_NOT_EXIST: "absent",
});

/** Codes of the close (W-87). */
export const classifyCloseError = classifier<ErrorClass | "paid" | "closed" | "absent">({
  ...PAYMENT,
  ORDER_PAID: "paid",
  ORDER_CLOSED: "closed",
  ORDER_NOT_EXIST: "absent",
});

/** Codes of the refund (W-88). A refund keeps its number whatever the answer. */
export const classifyRefundError = classifier<ErrorClass>({
  ...COMMON,
  NOT_ENOUGH: "merchant",
  REQUEST_BLOCKED: "merchant",
  INVALID_REQUEST: "request",
  USER_ACCOUNT_ABNORMAL: "request",
  RESOURCE_NOT_EXISTS: "gateway",
});

/** Codes of the refund query by our number (W-84). */
export const classifyRefundQueryError = classifier<ErrorClass | "absent">({
  ...COMMON,
  RESOURCE_NOT_EXISTS: "absent",
});

/** Codes of the certificates (W-77). `none`: the merchant has a public key instead. */
export const classifyCertificatesError = classifier<ErrorClass | "none">({
  ...COMMON,
  RESOURCE_NOT_EXISTS: "none",
});

/** Codes of the bill (W-92). `empty`: no trades on that day; `creating`: not ready. */
export const classifyBillError = classifier<ErrorClass | "empty" | "creating">({
  ...COMMON,
  NO_STATEMENT_EXIST: "empty",
  STATEMENT_CREATING: "creating",
});

/** Codes of the bill's download (W-93). INVALID_REQUEST: the URL is too old. */
export const classifyDownloadError = classifier<ErrorClass>(COMMON);

/**
 * Classifies errors by a table. An unlisted code is a refusal, blamed on our message, for a status
 * below 500, and unknown from 500 on.
 */
function classifier<C extends string>(
  table: Readonly<Record<string, C>>,
): (error: HttpError) => C | "gateway" | "unknown" | "later" {
  const classOf = errorTable(table);
  return ({ status, code }) => {
    // Too many requests, whatever the code: it says nothing about this request.
    if (status === 429) return "later";
    // One of our headers isn't acceptable, although the code is PARAM_ERROR (W-67).
    if (status === 406) return "gateway";
    return classOf(code) ?? (status >= 500 ? "unknown" : "gateway");
  };
}
