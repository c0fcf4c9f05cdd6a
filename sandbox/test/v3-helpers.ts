import { createDecipheriv, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { exports } from "cloudflare:workers";
import { expect } from "vitest";
import { z } from "zod";
import demoKey from "../keys/demo-merchant.key.pem";
import certificate1 from "../keys/platform-1.cert.pem";
import certificate2 from "../keys/platform-2.cert.pem";
import publicKey from "../keys/wechatpay-public.pem";
import { APP_ID, control, MCH_ID, ORIGIN, type Params, type Post } from "./helpers.ts";

export const DEMO_KEY = demoKey;
export const SERIAL = "5A4DB0DE000000000000000000000000000000D1";
export const API_V3_KEY = "sandbox0apiv3key0of0thirtytwo0ch";
export const FIRST = "5A4DB0C1000000000000000000000000000000A1";
export const SECOND = "5A4DB0C2000000000000000000000000000000B2";
export const PUBLIC = "PUB_KEY_ID_0119000001092024010100000000000001";

const VERIFYING_KEYS = {
  [FIRST]: new X509Certificate(certificate1).publicKey,
  [SECOND]: new X509Certificate(certificate2).publicKey,
  [PUBLIC]: createPublicKey(publicKey),
};

export type Json = Record<string, unknown>;

/** What a call is sent with, where it is not as it should be. */
export interface Oddity {
  mchid?: string;
  serial?: string;
  key?: string;
  /** Unix seconds. */
  timestamp?: number;
  nonce?: string;
  /** What is signed in place of the real thing. */
  signed?: { method?: string; target?: string; body?: string };
  signature?: string;
  /** In place of the whole header. */
  authorization?: string;
  /** Null leaves a header out. */
  headers?: Record<string, string | null>;
}

export interface Reply3 {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** SHA256-RSA of a text, in base64, made here and not by the sandbox's own code. */
export function rsa(message: string, key = DEMO_KEY): string {
  return sign("sha256", Buffer.from(message, "utf8"), key).toString("base64");
}

/** Sends an APIv3 call as a merchant does, or almost, and reads the answer. */
export async function send3(
  method: string,
  target: string,
  body?: Json | string,
  odd: Oddity = {},
): Promise<Reply3> {
  const response = await fetch3(method, target, body, odd);
  const answer = await response.text();
  const json: Json = answer.startsWith("{") ? JSON.parse(answer) : {};
  return { status: response.status, headers: response.headers, text: answer, json };
}

/** Sends an APIv3 call as a merchant does, or almost. */
export async function fetch3(
  method: string,
  target: string,
  body?: Json | string,
  odd: Oddity = {},
): Promise<Response> {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const timestamp = odd.timestamp ?? Math.floor(Date.now() / 1000);
  const nonce = odd.nonce ?? "593BEC0C930BF1AFEB40B4A08C8FB242";
  const signed = { method, target, body: text, ...odd.signed };
  const lines = [signed.method, signed.target, timestamp, nonce, signed.body, ""];
  const signature = odd.signature ?? rsa(lines.join("\n"), odd.key);
  const fields = [
    `mchid="${odd.mchid ?? MCH_ID}"`,
    `nonce_str="${nonce}"`,
    `timestamp="${timestamp}"`,
    `serial_no="${odd.serial ?? SERIAL}"`,
    `signature="${signature}"`,
  ];
  const headers = new Headers({
    accept: "application/json",
    "user-agent": "merchant/1.0",
    authorization: odd.authorization ?? `WECHATPAY2-SHA256-RSA2048 ${fields.join(",")}`,
    ...(text === "" ? {} : { "content-type": "application/json" }),
  });
  for (const [name, value] of Object.entries(odd.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return await exports.default.fetch(`${ORIGIN}${target}`, {
    method,
    headers,
    ...(text === "" ? {} : { body: text }),
  });
}

/** Sends a sound call; a 2xx must be signed, anything else must not be. */
export async function call3(
  method: string,
  target: string,
  body?: Json,
  headers: Record<string, string> = {},
): Promise<Reply3> {
  const reply = await send3(method, target, body, { headers });
  if (reply.status < 300) expect(wellSigned(reply.headers, reply.text)).toBe(true);
  else expect([...reply.headers.keys()].join()).not.toContain("wechatpay-");
  return reply;
}

/** Whether a reply or a notification is signed by the key that it names, now. */
export function wellSigned(headers: Headers, body: string): boolean {
  const timestamp = headers.get("wechatpay-timestamp") ?? "";
  const nonce = headers.get("wechatpay-nonce") ?? "";
  const signature = headers.get("wechatpay-signature") ?? "";
  const [, key] =
    Object.entries(VERIFYING_KEYS).find(([id]) => id === headers.get("wechatpay-serial")) ?? [];
  if (key === undefined || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const message = Buffer.from(`${timestamp}\n${nonce}\n${body}\n`, "utf8");
  return verify("sha256", message, key, Buffer.from(signature, "base64"));
}

const sealedShape = z.object({
  ciphertext: z.string(),
  nonce: z.string(),
  associated_data: z.string(),
});
const certificatesShape = z.object({
  data: z.array(z.object({ serial_no: z.string(), encrypt_certificate: z.unknown() })),
});

/** What `/v3/certificates` says: each serial with the certificate that is hidden in it. */
export function certificatesOf({ json }: Reply3): { serialNo: string; pem: string }[] {
  return certificatesShape.parse(json).data.map((it) => ({
    serialNo: it.serial_no,
    pem: decrypted(it.encrypt_certificate),
  }));
}

/** What AES-256-GCM hides; throws when the key, the nonce or the associated data is another. */
export function decrypted(sealed: unknown, key = API_V3_KEY): string {
  const it = sealedShape.parse(sealed);
  const bytes = Buffer.from(it.ciphertext, "base64");
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key), Buffer.from(it.nonce));
  decipher.setAAD(Buffer.from(it.associated_data));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString(
    "utf8",
  );
}

/** An APIv3 notification's event and what is hidden in it. */
export function eventOf(post: Post | undefined): { event: Json; resource: Json } {
  const event: Json = JSON.parse(post?.body ?? "");
  return { event, resource: JSON.parse(decrypted(event["resource"])) };
}

/** A sound APIv3 order. */
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

/** A sound APIv3 refund. */
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

export const placeOrder3 = async (outTradeNo: string, changes: Json = {}): Promise<Reply3> =>
  await call3("POST", JSAPI, orderBody(outTradeNo, changes));

export const queryOrder3 = async (outTradeNo: string): Promise<Reply3> =>
  await call3("GET", `/v3/pay/transactions/out-trade-no/${outTradeNo}?mchid=${MCH_ID}`);

export const closeOrder3 = async (outTradeNo: string): Promise<Reply3> =>
  await call3("POST", `/v3/pay/transactions/out-trade-no/${outTradeNo}/close`, { mchid: MCH_ID });

export const requestRefund3 = async (
  outTradeNo: string,
  outRefundNo: string,
  changes: Json = {},
): Promise<Reply3> => await call3("POST", REFUNDS, refundBody(outTradeNo, outRefundNo, changes));

export const queryRefund3 = async (outRefundNo: string): Promise<Reply3> =>
  await call3("GET", `${REFUNDS}/${outRefundNo}`);

/** Places an APIv3 order and pays it, without a notification. */
export async function placePaidOrder3(outTradeNo: string, changes: Json = {}): Promise<void> {
  expect((await placeOrder3(outTradeNo, changes)).status).toBe(200);
  const paid = await control("POST", `/orders/${outTradeNo}/pay`, { notify: false });
  expect(paid.status).toBe(200);
}

/** Arms a fault. */
export async function arm(fault: Params | Json): Promise<void> {
  expect((await control("POST", "/faults", fault)).status).toBe(201);
}
