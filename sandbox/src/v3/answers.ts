import type { Bill } from "../ledger/bills.ts";
import type { Resource } from "./resources.ts";

/**
 * What an APIv3 call comes to: 200 with a resource, 204 with nothing, both signed; a bill's file, not
 * signed; or a problem with its HTTP status, not signed.
 */
export type Answer =
  | { kind: "done"; resource: Resource }
  | { kind: "empty" }
  | { kind: "bill"; bill: Bill }
  | Problem;

export interface Problem {
  kind: "problem";
  status: number;
  code: string;
  message: string;
  detail?: Detail;
  /** What comes last in `Request-ID`: WeChat's own number for the reason. */
  number: number;
}

/** Where the fault is. WeChat docs: APIv3, "error code and error message". */
export interface Detail {
  /** A JSON pointer into the body, or the name of a header or a query parameter. */
  field?: string;
  value?: unknown;
  issue: string;
  location?: "body" | "query" | "uri" | "header" | "authorization";
  sign_information?: Readonly<Record<string, unknown>>;
}

/** The HTTP status and the number that go with a code, unless a problem says otherwise. */
const CODES: Readonly<Record<string, { status: number; number?: number }>> = {
  PARAM_ERROR: { status: 400, number: 268435461 },
  INVALID_REQUEST: { status: 400 },
  APPID_MCHID_NOT_MATCH: { status: 400, number: 268445527 },
  MCH_NOT_EXISTS: { status: 400 },
  ORDER_CLOSED: { status: 400 },
  // The status is not published. The sandbox takes that of ORDER_CLOSED.
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

// Older replies spell the codes without underscores: NOTENOUGH.
const BY_PLAIN_NAME = new Map(Object.entries(CODES).map(([code, facts]) => [plain(code), facts]));

/** A problem of a code, in either spelling. A code that WeChat has not is `otherwise`. */
export function problem(
  code: string,
  message: string,
  more: { status?: number; number?: number; detail?: Detail } = {},
  otherwise = 400,
): Problem {
  const known = BY_PLAIN_NAME.get(plain(code));
  return {
    kind: "problem",
    code,
    message,
    status: more.status ?? known?.status ?? otherwise,
    number: more.number ?? known?.number ?? 268435456,
    ...(more.detail === undefined ? {} : { detail: more.detail }),
  };
}

export function done(resource: Resource): Answer {
  return { kind: "done", resource };
}

function plain(code: string): string {
  return code.replaceAll("_", "");
}
