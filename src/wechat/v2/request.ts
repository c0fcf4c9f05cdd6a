import { ok, type Result } from "../../lib/result.ts";
import {
  exchange,
  MAX_XML_ANSWER_BYTES,
  type HttpOutcome,
  type HttpRequest,
} from "../transport.ts";
import { randomHex32 } from "../../lib/random.ts";
import { unknown, type WechatError } from "../error-class.ts";
import type { OrderKey, Refused, WechatEnv, Unknown, V2Merchant } from "../types.ts";
import { ambiguousInAnswer } from "./ambiguity.ts";
import { answerToUnsignedFail } from "./error-codes.ts";
import { sign, v2SignType, verifySign } from "./sign.ts";
import { readXml, writeXml } from "./xml.ts";

/** A merchant, and the network for its calls. */
export interface V2Client {
  readonly merchant: V2Merchant;
  readonly env: WechatEnv;
}

/** The part of a request that differs between calls. */
export interface V2Request {
  /** For example `/pay/orderquery`. */
  readonly path: string;
  /** The call's own fields; empty ones aren't sent. */
  readonly fields: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** The subject of a call, with which the answer must agree. */
export type V2Subject = Pick<OrderKey, "wechatAppId" | "signType"> & {
  /** Null when only the answer tells it. */
  readonly orderNumber: string | null;
};

/** `done` and `error` are verified: signed with the order's algorithm, for this merchant. */
export type V2Response =
  | { readonly kind: "done"; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: "error"; readonly error: WechatError }
  | Refused
  | Unknown;

/** Sends a request and verifies the answer. An untrustworthy answer is `unknown`. */
export async function send(
  client: V2Client,
  order: V2Subject,
  request: V2Request,
  fetch: WechatEnv["fetch"] = client.env.fetch,
): Promise<V2Response> {
  const message = await buildMessage(client.merchant, order, request);
  if (!message.ok) return unsendable(message.error);
  const outcome = await exchange(client.env, fetch, message.value);
  return await readReply(outcome, client.merchant, order);
}

/**
 * Builds the signed HTTP request. It always contains `sign_type`, even for MD5, so that an order's
 * algorithm never depends on a default. On failure: the name of a field that can't be sent.
 */
export async function buildMessage(
  merchant: V2Merchant,
  order: Pick<OrderKey, "wechatAppId" | "signType">,
  request: V2Request,
): Promise<Result<HttpRequest, string>> {
  const fields = new Map(
    Object.entries({
      appid: order.wechatAppId,
      mch_id: merchant.mchId,
      nonce_str: randomHex32(),
      sign_type: order.signType,
      ...request.fields,
    }).filter(([, value]) => value !== ""),
  );
  fields.set("sign", await sign(fields, merchant.apiKey, v2SignType(order.signType)));
  const body = writeXml(fields);
  if (!body.ok) return body;
  return ok({
    method: "POST",
    path: request.path,
    headers: { "content-type": "text/xml; charset=utf-8" },
    body: body.value,
    timeoutMs: request.timeoutMs,
    maxBytes: MAX_XML_ANSWER_BYTES,
  });
}

/** The refusal for a field that contains a character WeChat doesn't accept. */
export function unsendable(field: string): Refused {
  const message = `${field} contains a character that WeChat doesn't accept`;
  return { kind: "refused", code: "UNSENDABLE", message, blame: "request" };
}

async function readReply(
  outcome: HttpOutcome,
  merchant: V2Merchant,
  order: V2Subject,
): Promise<V2Response> {
  if (outcome.kind === "failed") return unknown(outcome.reason);
  if (outcome.status !== 200) return unknown(`HTTP ${outcome.status}`);
  const read = readXml(outcome.body);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const fields = read.value;
  const returnCode = fields.get("return_code");
  // A refusal by WeChat's front end has its text in `retmsg` (W-03).
  if (returnCode === "FAIL") {
    return answerToUnsignedFail(fields.get("return_msg") || fields.get("retmsg") || "");
  }
  if (returnCode !== "SUCCESS") return unknown("answer without a return_code");
  const signType = await verifySign(fields, merchant.apiKey, order.signType);
  if (signType === null) {
    return { ...unknown("answer not correctly signed"), unverified: "signature" };
  }
  const ambiguous = ambiguousInAnswer(fields);
  if (ambiguous !== null) return unknown(`answer with & in ${ambiguous}`);
  const mismatched = mismatchedField(fields, merchant, order);
  if (mismatched !== null) return unknown(`answer for another ${mismatched}`);
  return readResult(fields);
}

/** The name of an identifier in the answer that differs from the request's; null when all match. */
function mismatchedField(
  fields: ReadonlyMap<string, string>,
  merchant: V2Merchant,
  order: V2Subject,
): string | null {
  if (fields.get("appid") !== order.wechatAppId) return "appid";
  if (fields.get("mch_id") !== merchant.mchId) return "mch_id";
  if (order.orderNumber === null) return null;
  const orderNumber = fields.get("out_trade_no") ?? order.orderNumber;
  return orderNumber === order.orderNumber ? null : "out_trade_no";
}

function readResult(fields: ReadonlyMap<string, string>): V2Response {
  const resultCode = fields.get("result_code");
  if (resultCode === "SUCCESS") return { kind: "done", fields };
  const code = fields.get("err_code") ?? "";
  if (resultCode !== "FAIL" || code === "") return unknown("answer without a result");
  return { kind: "error", error: { code, message: fields.get("err_code_des") ?? "" } };
}
