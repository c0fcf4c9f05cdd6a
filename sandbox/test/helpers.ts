import { createDecipheriv } from "node:crypto";
import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { OrderDetails, StateView } from "../src/ledger/views.ts";
import { refundCipherKey } from "../src/v2/notifications.ts";
import { sign, type SignType } from "../src/v2/sign.ts";
import { readXml, writeXml } from "../src/v2/xml.ts";

export const ORIGIN = "http://sandbox.test";
export const KEY = "sandbox0api0key0of0thirtytwo0chr";
export const MCH_ID = "1900000109";
export const APP_ID = "wxde05c4b716e52bf2";
export const SECOND_APP_ID = "wx3f7a9c1e5b8d2046";

// In the far future, so that no alarm runs on its own: tests run the alarm themselves.
const FROZEN_AT = Date.UTC(2100, 0, 1, 4, 5, 6);

export type Params = Record<string, string>;

/** Stops the clock at a fixed instant and resets the sandbox. */
export async function resetSandbox(): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(FROZEN_AT);
  await control("POST", "/reset");
}

/** Advances the stopped clock. */
export function advanceClock(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

/** Runs the sandbox's alarm, which handles what is due; false when no alarm is set. */
export async function runAlarm(): Promise<boolean> {
  return await runDurableObjectAlarm(env.LEDGER.getByName("wechat"));
}

/** The parameters that every call has. */
export function commonParams(params: Params = {}): Params {
  return {
    appid: APP_ID,
    mch_id: MCH_ID,
    nonce_str: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    ...params,
  };
}

/** The parameters of a valid order. */
export function orderParams(outTradeNo: string, changes: Params = {}): Params {
  return commonParams({
    body: "腾讯充值中心-QQ会员充值",
    out_trade_no: outTradeNo,
    total_fee: "100",
    spbill_create_ip: "123.12.12.123",
    notify_url: "https://merchant.test/notify",
    trade_type: "JSAPI",
    openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    ...changes,
  });
}

/** The parameters of a valid refund. */
export function refundParams(
  outTradeNo: string,
  outRefundNo: string,
  changes: Params = {},
): Params {
  return commonParams({
    out_trade_no: outTradeNo,
    out_refund_no: outRefundNo,
    total_fee: "100",
    refund_fee: "40",
    notify_url: "https://merchant.test/refunded",
    ...changes,
  });
}

/** Adds the sign, with the algorithm of `sign_type`. */
export function signed(params: Params, key = KEY): Params {
  const signType: SignType = params["sign_type"] === "HMAC-SHA256" ? "HMAC-SHA256" : "MD5";
  return { ...params, sign: sign(Object.entries(params), key, signType) };
}

/** Sends a raw body to a WeChat Pay path. */
export async function send(
  path: string,
  body: BodyInit | null,
  method = "POST",
): Promise<Response> {
  return await exports.default.fetch(`${ORIGIN}${path}`, {
    method,
    ...(body === null ? {} : { body }),
  });
}

/** Makes a signed call and returns the fields of the response after verifying its sign, if any. */
export async function call(path: string, params: Params): Promise<Params> {
  const response = await send(path, writeXml(Object.entries(signed(params))));
  expect(response.status).toBe(200);
  return verifiedFields(await response.text(), params["sign_type"]);
}

/** Parses a response. A return_code SUCCESS must have a valid sign, a FAIL must have none. */
export function verifiedFields(xml: string, signType?: string): Params {
  const fields = fieldsOf(xml);
  if (fields["return_code"] !== "SUCCESS") {
    expect(Object.keys(fields)).toEqual(["return_code", "return_msg"]);
    return fields;
  }
  const algorithm: SignType = signType === "HMAC-SHA256" ? "HMAC-SHA256" : "MD5";
  expect(fields["sign"]).toBe(sign(Object.entries(fields), KEY, algorithm));
  return fields;
}

/** The fields of an XML message. */
export function fieldsOf(xml: string): Params {
  const document = readXml(xml);
  if (!document.ok) throw new Error(`${document.error}: ${xml}`);
  return Object.fromEntries(document.value.fields);
}

/** Decrypts the req_info of a refund notification; throws when the key is wrong. */
export function decryptReqInfo(body = ""): Params {
  const bytes = Buffer.from(fieldsOf(body)["req_info"] ?? "", "base64");
  const decipher = createDecipheriv("aes-256-ecb", refundCipherKey(KEY), null);
  const text = Buffer.concat([decipher.update(bytes), decipher.final()]).toString("utf8");
  expect(text).toMatch(/^<root>/);
  return fieldsOf(text);
}

export const placeOrder = async (outTradeNo: string, changes: Params = {}): Promise<Params> =>
  await call("/pay/unifiedorder", orderParams(outTradeNo, changes));

export const queryOrder = async (outTradeNo: string): Promise<Params> =>
  await call("/pay/orderquery", commonParams({ out_trade_no: outTradeNo }));

export const closeOrder = async (outTradeNo: string): Promise<Params> =>
  await call("/pay/closeorder", commonParams({ out_trade_no: outTradeNo }));

export const requestRefund = async (
  outTradeNo: string,
  outRefundNo: string,
  changes: Params = {},
): Promise<Params> =>
  await call("/secapi/pay/refund", refundParams(outTradeNo, outRefundNo, changes));

/** Places an order and pays it, without a notification. */
export async function placePaidOrder(outTradeNo: string, changes: Params = {}): Promise<void> {
  await placeOrder(outTradeNo, changes);
  const paid = await control("POST", `/orders/${outTradeNo}/pay`, { notify: false });
  expect(paid.status).toBe(200);
}

/** A response of the control API. */
export interface ControlResponse {
  status: number;
  json: unknown;
}

/** Calls the control API. */
export async function control(
  method: string,
  path: string,
  body?: unknown,
  headers: Params = {},
): Promise<ControlResponse> {
  const response = await exports.default.fetch(`${ORIGIN}/sandbox/api${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
}

/** The whole state of the sandbox. */
export async function state(): Promise<StateView> {
  const response = await exports.default.fetch(`${ORIGIN}/sandbox/api/state`);
  return await response.json<StateView>();
}

/** One order with its refunds and notifications. */
export async function orderDetails(outTradeNo: string): Promise<OrderDetails> {
  const response = await exports.default.fetch(`${ORIGIN}/sandbox/api/orders/${outTradeNo}`);
  return await response.json<OrderDetails>();
}

/** A notification as the merchant receives it. */
export interface PostedRequest {
  url: string;
  headers: Headers;
  redirect: string | undefined;
  body: string;
}

export const ACKNOWLEDGED =
  "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";

/** Mocks the merchant: records what is posted and responds with the result of `respond`. */
export function mockMerchant(
  respond: () => Response = () => new Response(ACKNOWLEDGED),
): PostedRequest[] {
  const posts: PostedRequest[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    posts.push({
      url: request.url,
      headers: request.headers,
      redirect: init?.redirect,
      body: await request.text(),
    });
    return respond();
  });
  return posts;
}
