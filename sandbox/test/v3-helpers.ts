import { createDecipheriv, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { exports } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import demoKey from "../keys/demo-merchant.key.pem";
import certificate1 from "../keys/platform-1.cert.pem";
import certificate2 from "../keys/platform-2.cert.pem";
import publicKey from "../keys/wechatpay-public.pem";
import { APP_ID, control, MCH_ID, ORIGIN, type Params, type PostedRequest } from "./helpers.ts";

export const DEMO_KEY = demoKey;
export const SERIAL = "5A4DB0DE000000000000000000000000000000D1";
export const API_V3_KEY = "sandbox0apiv3key0of0thirtytwo0ch";
export const FIRST_SERIAL = "5A4DB0C1000000000000000000000000000000A1";
export const SECOND_SERIAL = "5A4DB0C2000000000000000000000000000000B2";
export const PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092024010100000000000001";

const VERIFYING_KEYS = {
  [FIRST_SERIAL]: new X509Certificate(certificate1).publicKey,
  [SECOND_SERIAL]: new X509Certificate(certificate2).publicKey,
  [PUBLIC_KEY_ID]: createPublicKey(publicKey),
};

export type Json = Record<string, unknown>;

/** The parts of a call that differ from a valid one. */
export interface CallOverrides {
  mchid?: string;
  serial?: string;
  key?: string;
  /** Unix seconds. */
  timestamp?: number;
  nonce?: string;
  /** Replaces parts of the signed message. */
  signed?: { method?: string; target?: string; body?: string };
  signature?: string;
  /** Replaces the whole Authorization header. */
  authorization?: string;
  /** Null omits a header. */
  headers?: Record<string, string | null>;
}

/** A response of APIv3. */
export interface V3Response {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** SHA256-RSA of a text, in base64, without the sandbox's own code. */
export function signRsa(message: string, key = DEMO_KEY): string {
  return sign("sha256", Buffer.from(message, "utf8"), key).toString("base64");
}

/** Sends an APIv3 call with overrides and reads the response. */
export async function sendV3(
  method: string,
  target: string,
  body?: Json | string,
  overrides: CallOverrides = {},
): Promise<V3Response> {
  const response = await fetchV3(method, target, body, overrides);
  const text = await response.text();
  const json: Json = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, text, json };
}

/** Sends an APIv3 call with overrides. */
export async function fetchV3(
  method: string,
  target: string,
  body?: Json | string,
  overrides: CallOverrides = {},
): Promise<Response> {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const timestamp = overrides.timestamp ?? Math.floor(Date.now() / 1000);
  const nonce = overrides.nonce ?? "593BEC0C930BF1AFEB40B4A08C8FB242";
  const signed = { method, target, body: text, ...overrides.signed };
  const lines = [signed.method, signed.target, timestamp, nonce, signed.body, ""];
  const signature = overrides.signature ?? signRsa(lines.join("\n"), overrides.key);
  const fields = [
    `mchid="${overrides.mchid ?? MCH_ID}"`,
    `nonce_str="${nonce}"`,
    `timestamp="${timestamp}"`,
    `serial_no="${overrides.serial ?? SERIAL}"`,
    `signature="${signature}"`,
  ];
  const headers = new Headers({
    accept: "application/json",
    "user-agent": "merchant/1.0",
    authorization: overrides.authorization ?? `WECHATPAY2-SHA256-RSA2048 ${fields.join(",")}`,
    ...(text === "" ? {} : { "content-type": "application/json" }),
  });
  for (const [name, value] of Object.entries(overrides.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return await exports.default.fetch(`${ORIGIN}${target}`, {
    method,
    headers,
    ...(text === "" ? {} : { body: text }),
  });
}

/** Sends a valid call. A 2xx must have a valid signature, any other status none. */
export async function callV3(
  method: string,
  target: string,
  body?: Json,
  headers: Record<string, string> = {},
): Promise<V3Response> {
  const response = await sendV3(method, target, body, { headers });
  if (response.status < 300) expect(hasValidSignature(response.headers, response.text)).toBe(true);
  else expect([...response.headers.keys()].join()).not.toContain("wechatpay-");
  return response;
}

/** Whether a response or a notification is signed now by the key that it names. */
export function hasValidSignature(headers: Headers, body: string): boolean {
  const timestamp = headers.get("wechatpay-timestamp") ?? "";
  const nonce = headers.get("wechatpay-nonce") ?? "";
  const signature = headers.get("wechatpay-signature") ?? "";
  const [, key] =
    Object.entries(VERIFYING_KEYS).find(([id]) => id === headers.get("wechatpay-serial")) ?? [];
  if (key === undefined || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const message = Buffer.from(`${timestamp}\n${nonce}\n${body}\n`, "utf8");
  return verify("sha256", message, key, Buffer.from(signature, "base64"));
}

const encryptedShape = z.object({
  ciphertext: z.string(),
  nonce: z.string(),
  associated_data: z.string(),
});
const certificatesShape = z.object({
  data: z.array(z.object({ serial_no: z.string(), encrypt_certificate: z.unknown() })),
});

/** The certificates of `/v3/certificates`, decrypted. */
export function certificatesOf({ json }: V3Response): { serialNo: string; pem: string }[] {
  return certificatesShape.parse(json).data.map((it) => ({
    serialNo: it.serial_no,
    pem: decrypt(it.encrypt_certificate),
  }));
}

/** Decrypts AES-256-GCM; throws when the key, the nonce or the associated data is wrong. */
export function decrypt(encrypted: unknown, key = API_V3_KEY): string {
  const it = encryptedShape.parse(encrypted);
  const bytes = Buffer.from(it.ciphertext, "base64");
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key), Buffer.from(it.nonce));
  decipher.setAAD(Buffer.from(it.associated_data));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString(
    "utf8",
  );
}

/** The event of an APIv3 notification and its decrypted resource. */
export function eventOf(post: PostedRequest | undefined): { event: Json; resource: Json } {
  const event: Json = JSON.parse(post?.body ?? "");
  return { event, resource: JSON.parse(decrypt(event["resource"])) };
}

/** A valid APIv3 order. */
export function orderBody(outTradeNo: string, changes: Json = {}): Json {
  return {
    appid: APP_ID,
    mchid: MCH_ID,
    description: "Image形象店-深圳腾大-QQ公仔",
    out_trade_no: outTradeNo,
    notify_url: "https://merchant.test/notify",
    amount: { total: 100, currency: "CNY" },
    payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
    ...changes,
  };
}

/** A valid APIv3 refund. */
export function refundBody(outTradeNo: string, outRefundNo: string, changes: Json = {}): Json {
  return {
    out_trade_no: outTradeNo,
    out_refund_no: outRefundNo,
    notify_url: "https://merchant.test/refunded",
    amount: { refund: 40, total: 100, currency: "CNY" },
    ...changes,
  };
}

const JSAPI = "/v3/pay/transactions/jsapi";
const REFUNDS = "/v3/refund/domestic/refunds";

export const placeOrderV3 = async (outTradeNo: string, changes: Json = {}): Promise<V3Response> =>
  await callV3("POST", JSAPI, orderBody(outTradeNo, changes));

export const queryOrderV3 = async (outTradeNo: string): Promise<V3Response> =>
  await callV3("GET", `/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=${MCH_ID}`);

export const closeOrderV3 = async (outTradeNo: string): Promise<V3Response> =>
  await callV3("POST", `/v3/pay/transactions/out-trade-no/${outTradeNo}/close`, { mchid: MCH_ID });

export const requestRefundV3 = async (
  outTradeNo: string,
  outRefundNo: string,
  changes: Json = {},
): Promise<V3Response> =>
  await callV3("POST", REFUNDS, refundBody(outTradeNo, outRefundNo, changes));

export const queryRefundV3 = async (outRefundNo: string): Promise<V3Response> =>
  await callV3("GET", `${REFUNDS}/${outRefundNo}`);

/** Places an APIv3 order and pays it, without a notification. */
export async function placePaidOrderV3(outTradeNo: string, changes: Json = {}): Promise<void> {
  expect((await placeOrderV3(outTradeNo, changes)).status).toBe(200);
  const paid = await control("POST", `/orders/${outTradeNo}/pay`, { notify: false });
  expect(paid.status).toBe(200);
}

/** Arms a fault. */
export async function armFault(fault: Params | Json): Promise<void> {
  expect((await control("POST", "/faults", fault)).status).toBe(201);
}
