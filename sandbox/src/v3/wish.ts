import { z } from "zod";
import { impossible } from "../exhaustive.ts";
import { parseJson } from "../protocol/text.ts";
import { problem, type Problem } from "./answers.ts";
import {
  billQuery,
  closeBody,
  fileQuery,
  jsapiBody,
  mchid,
  outRefundNo,
  outTradeNo,
  refundBody,
  transactionId,
  type JsapiBody,
  type RefundBody,
} from "./bodies.ts";
import type { BillWish } from "./bills.ts";
import { check, type Checked } from "./check.ts";
import type { Match } from "./endpoints.ts";

/** What a call asks for, in order as such. */
export type Wish =
  | { kind: "jsapi"; body: JsapiBody }
  | { kind: "query"; outTradeNo?: string; transactionId?: string; mchid: string }
  | { kind: "close"; outTradeNo: string; mchid: string }
  | { kind: "refund"; body: RefundBody }
  | { kind: "refund-query"; outRefundNo: string }
  | { kind: "certificates" }
  | ({ kind: "tradebill" } & BillWish)
  | { kind: "bill-file"; token: string };

const mchidQuery = z.strictObject({ mchid });
const noQuery = z.strictObject({});
// SDKs that know SM2 too ask for one kind.
const certificatesQuery = z.strictObject({ algorithm_type: z.enum(["RSA", "ALL"]).optional() });

/** Reads what a call asks for, or says what is wrong with it as such. */
export function readWish(match: Match, body: string): Checked<Wish> {
  const { endpoint } = match;
  switch (endpoint.kind) {
    case "jsapi":
      return map(bodyOf(match, body, jsapiBody), (it) => ({ kind: "jsapi", body: it }));
    case "query-by-number":
      return map(
        both(uri(match, outTradeNo), query(match, mchidQuery)),
        ([found, { mchid: by }]) => ({
          kind: "query",
          outTradeNo: found,
          mchid: by,
        }),
      );
    case "query-by-id":
      return map(
        both(uri(match, transactionId), query(match, mchidQuery)),
        ([found, { mchid: by }]) => ({
          kind: "query",
          transactionId: found,
          mchid: by,
        }),
      );
    case "close":
      return map(
        both(uri(match, outTradeNo), bodyOf(match, body, closeBody)),
        ([found, { mchid: by }]) => ({
          kind: "close",
          outTradeNo: found,
          mchid: by,
        }),
      );
    case "refund":
      return map(bodyOf(match, body, refundBody), (it) => ({ kind: "refund", body: it }));
    case "refund-query":
      return map(both(uri(match, outRefundNo), query(match, noQuery)), ([found]) => ({
        kind: "refund-query",
        outRefundNo: found,
      }));
    case "certificates":
      return map(query(match, certificatesQuery), () => ({ kind: "certificates" }));
    case "tradebill":
      return map(query(match, billQuery), (it) => ({ kind: "tradebill", ...it }));
    case "bill-file":
      return map(query(match, fileQuery), ({ token }) => ({ kind: "bill-file", token }));
  }
  return impossible(endpoint.kind);
}

/** The mchid that a call repeats outside its Authorization, if it does. */
export function mchidOf(wish: Wish): string | undefined {
  switch (wish.kind) {
    case "jsapi":
      return wish.body.mchid;
    case "query":
    case "close":
      return wish.mchid;
    case "refund":
    case "refund-query":
    case "certificates":
    case "tradebill":
    case "bill-file":
      return undefined;
  }
  return impossible(wish);
}

function bodyOf<T>(match: Match, body: string, schema: z.ZodType<T>): Checked<T> {
  const asked = query(match, noQuery);
  if (!asked.ok) return asked;
  const json = parseJson(body);
  return json === undefined ? no(NOT_JSON) : check(schema, json.value, "body");
}

function query<T>({ query: asked }: Match, schema: z.ZodType<T>): Checked<T> {
  const names = [...asked.keys()];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined
    ? check(schema, Object.fromEntries(asked), "query")
    : no(problem("PARAM_ERROR", `重复的参数${repeated}`));
}

/** Checks the number in the path; a problem calls it by its name there. */
function uri<T>({ endpoint, number }: Match, schema: z.ZodType<T>): Checked<T> {
  const name = /\{(\w+)\}/.exec(endpoint.path)?.[1] ?? "";
  const checked = check(z.object({ [name]: schema }), { [name]: number }, "uri");
  return checked.ok ? check(schema, number, "uri") : checked;
}

const NOT_JSON = problem("PARAM_ERROR", "请求体不是JSON", {
  detail: { issue: "the body is not JSON", location: "body" },
});

function no<T>(why: Problem): Checked<T> {
  return { ok: false, problem: why };
}

function map<T, U>(checked: Checked<T>, make: (value: T) => U): Checked<U> {
  return checked.ok ? { ok: true, value: make(checked.value) } : checked;
}

function both<T, U>(first: Checked<T>, second: Checked<U>): Checked<[T, U]> {
  if (!first.ok) return first;
  return map(second, (value) => [first.value, value]);
}
