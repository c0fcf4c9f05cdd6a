import { z } from "zod";
import type { Merchant } from "../ledger/merchants.ts";
import { findOrderByTransaction } from "../ledger/orders.ts";
import { findRefund } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { parseJson } from "../protocol/text.ts";
import { err, ok, type Result } from "../result.ts";
import { billFileQuery, billQuery, type TradeBillRequest } from "./bill.ts";
import { closeBody } from "./close.ts";
import type { EndpointMatch } from "./endpoints.ts";
import { checkFields, mchid, outRefundNo, outTradeNo, transactionId } from "./fields.ts";
import { prepayBody, type PrepayBody } from "./prepay.ts";
import { refundBody, type RefundBody } from "./refund.ts";
import { apiError, type ApiError } from "./response.ts";

/** The validated content of a call. */
export type ApiRequest =
  | { readonly kind: "prepay"; readonly body: PrepayBody }
  | {
      readonly kind: "query-payment";
      readonly outTradeNo: string | null;
      readonly transactionId: string | null;
      readonly mchid: string;
    }
  | { readonly kind: "close"; readonly outTradeNo: string; readonly mchid: string }
  | { readonly kind: "refund"; readonly body: RefundBody }
  | { readonly kind: "query-refund"; readonly outRefundNo: string }
  | { readonly kind: "certificates" }
  | ({ readonly kind: "bill" } & TradeBillRequest)
  | { readonly kind: "bill-file"; readonly token: string };

/** The numbers of the order and the refund of a call, where known. */
export interface RequestNumbers {
  readonly outTradeNo?: string;
  readonly outRefundNo?: string;
}

const mchidQuery = z.strictObject({ mchid });
const noQuery = z.strictObject({});
// SDKs that also support SM2 name one algorithm.
const certificatesQuery = z.strictObject({ algorithm_type: z.enum(["RSA", "ALL"]).optional() });

const NOT_JSON = apiError("PARAM_ERROR", "请求体不是JSON", {
  detail: { issue: "the body is not JSON", location: "body" },
});

/** Validates path, query and body of a call without the ledger. */
export function readRequest(match: EndpointMatch, body: string): Result<ApiRequest, ApiError> {
  switch (match.endpoint.kind) {
    case "prepay":
      return map(readBody(match, body, prepayBody), (it) => ({ kind: "prepay", body: it }));
    case "query-payment-by-number":
      return map(
        both(readNumber(match, outTradeNo), readQuery(match, mchidQuery)),
        ([number, query]) => ({
          kind: "query-payment",
          outTradeNo: number,
          transactionId: null,
          mchid: query.mchid,
        }),
      );
    case "query-payment-by-id":
      return map(
        both(readNumber(match, transactionId), readQuery(match, mchidQuery)),
        ([number, query]) => ({
          kind: "query-payment",
          outTradeNo: null,
          transactionId: number,
          mchid: query.mchid,
        }),
      );
    case "close":
      return map(
        both(readNumber(match, outTradeNo), readBody(match, body, closeBody)),
        ([number, it]) => ({ kind: "close", outTradeNo: number, mchid: it.mchid }),
      );
    case "refund":
      return map(readBody(match, body, refundBody), (it) => ({ kind: "refund", body: it }));
    case "query-refund":
      return map(both(readNumber(match, outRefundNo), readQuery(match, noQuery)), ([number]) => ({
        kind: "query-refund",
        outRefundNo: number,
      }));
    case "certificates":
      return map(readQuery(match, certificatesQuery), () => ({ kind: "certificates" }));
    case "bill":
      return map(readQuery(match, billQuery), (it) => ({ kind: "bill", ...it }));
    case "bill-file":
      return map(readQuery(match, billFileQuery), ({ token }) => ({ kind: "bill-file", token }));
  }
}

/** Checks the mchid and the appid in a request against its signer; null when they match. */
export function checkIdentity(merchant: Merchant, request: ApiRequest): ApiError | null {
  const mchId = mchidOf(request);
  if (mchId !== null && mchId !== merchant.mchId) {
    return apiError("PARAM_ERROR", "mchid与Authorization中的商户号不一致", {
      detail: { field: "mchid", value: mchId, issue: "not the mchid of Authorization" },
    });
  }
  return request.kind === "prepay" && !merchant.appIds.includes(request.body.appid)
    ? apiError("APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
    : null;
}

/** The numbers of a call's order and refund, looked up when the call has WeChat's numbers only. */
export function numbersOf(
  { sql }: LedgerTransaction,
  { mchId }: Merchant,
  request: ApiRequest,
): RequestNumbers {
  switch (request.kind) {
    case "prepay":
      return { outTradeNo: request.body.out_trade_no };
    case "query-payment":
      return orderNumberOf(sql, mchId, request.outTradeNo, request.transactionId);
    case "close":
      return { outTradeNo: request.outTradeNo };
    case "refund": {
      const { out_trade_no: number, transaction_id: id, out_refund_no } = request.body;
      const order = orderNumberOf(sql, mchId, number ?? null, id ?? null);
      return { outRefundNo: out_refund_no, ...order };
    }
    case "query-refund": {
      const known = findRefund(sql, mchId, request.outRefundNo);
      const order = known === null ? {} : { outTradeNo: known.outTradeNo };
      return { outRefundNo: request.outRefundNo, ...order };
    }
    case "certificates":
    case "bill":
    case "bill-file":
      return {};
  }
}

function orderNumberOf(
  sql: SqlStorage,
  mchId: string,
  number: string | null,
  id: string | null,
): Pick<RequestNumbers, "outTradeNo"> {
  if (number !== null) return { outTradeNo: number };
  const order = findOrderByTransaction(sql, mchId, id ?? "");
  return order === null ? {} : { outTradeNo: order.outTradeNo };
}

/** The mchid that a call repeats outside its Authorization; null when it has none. */
function mchidOf(request: ApiRequest): string | null {
  switch (request.kind) {
    case "prepay":
      return request.body.mchid;
    case "query-payment":
    case "close":
      return request.mchid;
    case "refund":
    case "query-refund":
    case "certificates":
    case "bill":
    case "bill-file":
      return null;
  }
}

function readBody<T>(
  match: EndpointMatch,
  body: string,
  schema: z.ZodType<T>,
): Result<T, ApiError> {
  const query = readQuery(match, noQuery);
  if (!query.ok) return query;
  const json = parseJson(body);
  return json === null ? err(NOT_JSON) : checkFields(schema, json.value, "body");
}

function readQuery<T>({ query }: EndpointMatch, schema: z.ZodType<T>): Result<T, ApiError> {
  const names = [...query.keys()];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined
    ? checkFields(schema, Object.fromEntries(query), "query")
    : err(apiError("PARAM_ERROR", `重复的参数${repeated}`));
}

/** Validates the number in the path; an error names it as the path does. */
function readNumber<T>(
  { endpoint, number }: EndpointMatch,
  schema: z.ZodType<T>,
): Result<T, ApiError> {
  const name = /\{(\w+)\}/.exec(endpoint.path)?.[1] ?? "";
  const named = checkFields(z.object({ [name]: schema }), { [name]: number }, "uri");
  return named.ok ? checkFields(schema, number, "uri") : named;
}

function map<T, U>(result: Result<T, ApiError>, make: (value: T) => U): Result<U, ApiError> {
  return result.ok ? ok(make(result.value)) : result;
}

function both<T, U>(
  first: Result<T, ApiError>,
  second: Result<U, ApiError>,
): Result<readonly [T, U], ApiError> {
  if (!first.ok) return first;
  return map(second, (value) => [first.value, value]);
}
