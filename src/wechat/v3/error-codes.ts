import { errorTable, type ErrorClass, type WechatError } from "../error-class.ts";

/** An answer with status 4xx or 5xx. It is unsigned; TLS says who sent it. */
export interface HttpError extends WechatError {
  readonly status: number;
}

/*
 * What WeChat's error codes mean, call by call (W-86). The names are
 * written with underscores here; the lookup is blind to them.
 */

/**
 * Codes that mean the same in every call.
 *
 * SIGN_ERROR is the merchant's: how a message is signed is pinned by published vectors, which leaves
 * the stored key and its serial number.
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
} as const satisfies Record<string, ErrorClass>;

/** Rules of business and of risk control, in all calls about a payment: final for this try. */
const PAYMENT = {
  ...COMMON,
  RULE_LIMIT: "request",
  TRADE_ERROR: "request",
  ACCOUNT_ERROR: "request",
} as const satisfies Record<string, ErrorClass>;

/** Codes of the order (W-87). `ask`: the number is in use, and only a query tells for what. */
export const classifyPrepayError = classifier<ErrorClass | "paid" | "closed" | "ask">({
  ...PAYMENT,
  // Our own validation is narrower than WeChat's rules; what still offends is the app's value,
  // an openId of another appid being the usual one.
  PARAM_ERROR: "request",
  INVALID_REQUEST: "request",
  OPENID_MISMATCH: "request",
  NOT_ENOUGH: "request",
  INVALID_TRANSACTIONID: "gateway",
  BANK_ERROR: "unknown",
  ORDER_PAID: "paid",
  ORDER_CLOSED: "closed",
  OUT_TRADE_NO_USED: "ask",
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

/** Codes of the bill (W-92). `empty`: no trade that day; `creating`: still being made. */
export const classifyBillError = classifier<ErrorClass | "empty" | "creating">({
  ...COMMON,
  NO_STATEMENT_EXIST: "empty",
  STATEMENT_CREATING: "creating",
});

/** Codes of the bill's download (W-93). INVALID_REQUEST: the URL is too old. */
export const classifyDownloadError = classifier<ErrorClass>(COMMON);

/**
 * The lookup of a closed table. A code that isn't listed is a final no to a message of ours below
 * 500, and unknown from there on.
 */
function classifier<V extends string>(
  table: Readonly<Record<string, V>>,
): (error: HttpError) => V | "gateway" | "unknown" | "later" {
  const verdictOf = errorTable(table);
  return ({ status, code }) => {
    // Too fast, whatever the code's name: not a word about the request itself.
    if (status === 429) return "later";
    // A header of ours that WeChat can't serve, though it says PARAM_ERROR.
    if (status === 406) return "gateway";
    return verdictOf(code) ?? (status >= 500 ? "unknown" : "gateway");
  };
}
