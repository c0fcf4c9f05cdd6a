import type { Bill } from "../ledger/bills.ts";

/** A JSON object of WeChat's: the content of a response or a notification. */
export type Resource = Readonly<Record<string, unknown>>;

/**
 * The response to a call: 200 with a resource or 204, both signed; or a bill's file or an error,
 * both unsigned.
 */
export type ApiResponse =
  | { readonly kind: "success"; readonly resource: Resource }
  | { readonly kind: "no-content" }
  | { readonly kind: "bill"; readonly bill: Bill }
  | ApiError;

/** An error response. */
export interface ApiError {
  readonly kind: "error";
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly detail?: ErrorDetail;
  /** WeChat's internal number of the reason, which ends the `Request-ID`. */
  readonly number: number;
}

/** The location of an error (W-85). */
export interface ErrorDetail {
  /** A JSON pointer into the body, or the name of a header or a query parameter. */
  readonly field?: string;
  readonly value?: unknown;
  readonly issue: string;
  readonly location?: "body" | "query" | "uri" | "header" | "authorization";
  readonly sign_information?: Readonly<Record<string, unknown>>;
}

/** The usual HTTP status and number of each code. */
const CODES: Readonly<Record<string, { readonly status: number; readonly number?: number }>> = {
  PARAM_ERROR: { status: 400, number: 268435461 },
  INVALID_REQUEST: { status: 400 },
  APPID_MCHID_NOT_MATCH: { status: 400, number: 268445527 },
  MCH_NOT_EXISTS: { status: 400 },
  ORDER_CLOSED: { status: 400 },
  // The status is not published (W-82). The sandbox uses that of ORDER_CLOSED.
  ORDER_PAID: { status: 400, number: 268498689 },
  NO_STATEMENT_EXIST: { status: 400 },
  STATEMENT_CREATING: { status: 400 },
  SIGN_ERROR: { status: 401, number: 268443699 },
  NO_AUTH: { status: 403 },
  OUT_TRADE_NO_USED: { status: 403 },
  RULE_LIMIT: { status: 403 },
  TRADE_ERROR: { status: 403 },
  ACCOUNT_ERROR: { status: 403 },
  NOT_ENOUGH: { status: 403 },
  USER_ACCOUNT_ABNORMAL: { status: 403 },
  REQUEST_BLOCKED: { status: 403 },
  ORDER_NOT_EXIST: { status: 404, number: 268512771 },
  RESOURCE_NOT_EXISTS: { status: 404 },
  FREQUENCY_LIMITED: { status: 429, number: 268447840 },
  SYSTEM_ERROR: { status: 500 },
  BANK_ERROR: { status: 500 },
  OPENID_MISMATCH: { status: 500 },
  INVALID_TRANSACTIONID: { status: 500 },
};

// Older responses spell the codes without underscores: NOTENOUGH.
const BY_PLAIN_CODE = new Map(
  Object.entries(CODES).map(([code, defaults]) => [plainCode(code), defaults]),
);

/** An error of a code, in either spelling. The status of an unknown code is `unknownStatus`. */
export function apiError(
  code: string,
  message: string,
  more: {
    readonly status?: number;
    readonly number?: number;
    readonly detail?: ErrorDetail;
  } = {},
  unknownStatus = 400,
): ApiError {
  const known = BY_PLAIN_CODE.get(plainCode(code));
  return {
    kind: "error",
    code,
    message,
    status: more.status ?? known?.status ?? unknownStatus,
    number: more.number ?? known?.number ?? 268435456,
    ...(more.detail === undefined ? {} : { detail: more.detail }),
  };
}

/** A signed 200 with a resource. */
export function success(resource: Resource): ApiResponse {
  return { kind: "success", resource };
}

/** The outcome of a call for the call log. */
export function describeResponse(response: ApiResponse): string {
  if (response.kind !== "error") return "SUCCESS";
  const issue = response.detail === undefined ? "" : ` (${response.detail.issue})`;
  return `${response.status} ${response.code}: ${response.message}${issue}`;
}

function plainCode(code: string): string {
  return code.replaceAll("_", "");
}
