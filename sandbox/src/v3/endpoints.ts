import type { ApiCall } from "../ledger/fault-names.ts";
import { decodePercent } from "../protocol/text.ts";
import { err, ok, type Result } from "../result.ts";
import { BILL_FILE_PATH } from "./bill.ts";
import { apiError, type ApiError } from "./response.ts";

/** The endpoint of a call, with the decoded number of its path (empty without one) and its query. */
export interface EndpointMatch {
  readonly endpoint: Endpoint;
  readonly number: string;
  readonly query: URLSearchParams;
}

/** A path of APIv3. */
export interface Endpoint {
  readonly kind:
    | "prepay"
    | "query-payment-by-number"
    | "query-payment-by-id"
    | "close"
    | "refund"
    | "query-refund"
    | "certificates"
    | "bill"
    | "bill-file";
  /** The name of the call in faults: that of the same call in APIv2. */
  readonly call: ApiCall;
  readonly method: "GET" | "POST";
  /** The path as in the documentation. */
  readonly path: string;
}

const ENDPOINTS: readonly Endpoint[] = [
  { kind: "prepay", call: "unifiedorder", method: "POST", path: "/v3/pay/transactions/jsapi" },
  {
    kind: "query-payment-by-number",
    call: "orderquery",
    method: "GET",
    path: "/v3/pay/transactions/out-trade-no/{out_trade_no}",
  },
  {
    kind: "query-payment-by-id",
    call: "orderquery",
    method: "GET",
    path: "/v3/pay/transactions/id/{transaction_id}",
  },
  {
    kind: "close",
    call: "closeorder",
    method: "POST",
    path: "/v3/pay/transactions/out-trade-no/{out_trade_no}/close",
  },
  { kind: "refund", call: "refund", method: "POST", path: "/v3/refund/domestic/refunds" },
  {
    kind: "query-refund",
    call: "refundquery",
    method: "GET",
    path: "/v3/refund/domestic/refunds/{out_refund_no}",
  },
  { kind: "certificates", call: "certificates", method: "GET", path: "/v3/certificates" },
  { kind: "bill", call: "downloadbill", method: "GET", path: "/v3/bill/tradebill" },
  { kind: "bill-file", call: "billfile", method: "GET", path: BILL_FILE_PATH },
];

const PATTERNS = ENDPOINTS.map((endpoint) => ({
  endpoint,
  pattern: new RegExp(`^${endpoint.path.replace(/\{\w+\}/, "([^/]+)")}$`),
}));

const NOT_FOUND = apiError("NOT_FOUND", "请求的资源不存在", { status: 404 });
const METHOD_NOT_ALLOWED = apiError("METHOD_NOT_ALLOWED", "请求方法不支持", { status: 405 });

/** Finds the endpoint of a request line; `target` is the path and query as sent. */
export function matchEndpoint(method: string, target: string): Result<EndpointMatch, ApiError> {
  const [path = "", ...query] = target.split("?");
  const [first] = PATTERNS.flatMap(({ endpoint, pattern }) => {
    const match = pattern.exec(path);
    const number = match === null ? null : decodePercent(match[1] ?? "");
    return number === null ? [] : [{ endpoint, number }];
  });
  if (first === undefined) return err(NOT_FOUND);
  if (first.endpoint.method !== method) return err(METHOD_NOT_ALLOWED);
  return ok({ ...first, query: new URLSearchParams(query.join("?")) });
}
