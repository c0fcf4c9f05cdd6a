import type { ApiCall } from "../ledger/fault-names.ts";
import { BILL_FILE_PATH } from "./bills.ts";
import { percentDecoded } from "../protocol/text.ts";

/** A call of APIv3: what it is, and where. `number` is what the path holds, decoded. */
export interface Match {
  endpoint: Endpoint;
  number: string;
  query: URLSearchParams;
}

export interface Endpoint {
  /** What the path's number is, where APIv3 has two paths for one call. */
  kind:
    | "jsapi"
    | "query-by-number"
    | "query-by-id"
    | "close"
    | "refund"
    | "refund-query"
    | "certificates"
    | "tradebill"
    | "bill-file";
  /** What faults call it: the name of the same call in APIv2. */
  call: ApiCall;
  method: "GET" | "POST";
  /** The path as the documentation writes it. */
  path: string;
}

const ENDPOINTS: readonly Endpoint[] = [
  { kind: "jsapi", call: "unifiedorder", method: "POST", path: "/v3/pay/transactions/jsapi" },
  {
    kind: "query-by-number",
    call: "orderquery",
    method: "GET",
    path: "/v3/pay/transactions/out-trade-no/{out_trade_no}",
  },
  {
    kind: "query-by-id",
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
    kind: "refund-query",
    call: "refundquery",
    method: "GET",
    path: "/v3/refund/domestic/refunds/{out_refund_no}",
  },
  { kind: "certificates", call: "certificates", method: "GET", path: "/v3/certificates" },
  { kind: "tradebill", call: "downloadbill", method: "GET", path: "/v3/bill/tradebill" },
  { kind: "bill-file", call: "billfile", method: "GET", path: BILL_FILE_PATH },
];

const PATTERNS = ENDPOINTS.map((endpoint) => ({
  endpoint,
  pattern: new RegExp(`^${endpoint.path.replace(/\{\w+\}/, "([^/]+)")}$`),
}));

export type Matching = { found: "endpoint"; match: Match } | { found: "nothing" | "other-method" };

/** Finds the call that a request line means; `target` is the path and query as sent. */
export function matchEndpoint(method: string, target: string): Matching {
  const [path = "", ...query] = target.split("?");
  const hits = PATTERNS.flatMap(({ endpoint, pattern }) => {
    const hit = pattern.exec(path);
    const number = hit === null ? undefined : percentDecoded(hit[1] ?? "");
    return number === undefined ? [] : [{ endpoint, number }];
  });
  const [first] = hits;
  if (first === undefined) return { found: "nothing" };
  if (first.endpoint.method !== method) return { found: "other-method" };
  return { found: "endpoint", match: { ...first, query: new URLSearchParams(query.join("?")) } };
}
