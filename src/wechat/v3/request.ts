import * as z from "zod";
import { exchange, type HttpOutcome, type HttpRequest } from "../transport.ts";
import { randomHex32 } from "../../lib/random.ts";
import { unknown } from "../error-class.ts";
import type { WechatEnv, Unknown, V3Merchant, VerifyKeyLookup } from "../types.ts";
import { authorization } from "./authorization.ts";
import type { HttpError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { verify, type KeyLookup } from "./verify.ts";

/** A merchant and the world through which WeChat is reached for it. */
export interface V3Client {
  readonly merchant: V3Merchant;
  readonly env: WechatEnv;
  readonly findVerifyKey: VerifyKeyLookup;
}

/** What differs between the calls. */
export interface V3Request {
  readonly method: "GET" | "POST";
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** Sent as JSON. Documented fields only, and no nulls: WeChat refuses others (W-68). */
  readonly body?: object;
  readonly timeoutMs: number;
  /** Where the answer itself brings the key that verifies it; else the merchant's keys do. */
  readonly findKey?: (body: Uint8Array) => Promise<KeyLookup>;
}

/** `done` is verified; `error` can't be. */
export type V3Response =
  | { readonly kind: "done"; readonly body: Uint8Array }
  | { readonly kind: "error"; readonly error: HttpError }
  | Unknown;

/** Bytes. The longest JSON answer known, with its promotions, is below 20 KB. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** WeChat's number of this exchange, which its support asks for. */
const REQUEST_ID = /^[\w-]{1,128}$/;

/** Asks WeChat and verifies the answer. Whatever can't be relied upon is `unknown`. */
export async function send(client: V3Client, request: V3Request): Promise<V3Response> {
  const first = await attempt(client, request);
  if (first !== "probed") return first;
  // WeChat doesn't probe a repeat (W-71).
  const second = await attempt(client, request);
  return second === "probed" ? unknown("answer with a signature probe, twice") : second;
}

async function attempt(client: V3Client, request: V3Request): Promise<V3Response | "probed"> {
  const outcome = await exchangeSigned(client, request);
  const answer = readStatus(outcome);
  if (answer.kind !== "signed") return answer;
  const findKey = (await request.findKey?.(answer.body)) ?? keyFinder(client);
  const verified = await verify(answer, findKey, Date.now());
  if (verified.ok) return { kind: "done", body: answer.body };
  if (verified.error.kind === "probe") return "probed";
  return unknown(`answer not rightly signed (${verified.error.kind}: ${verified.error.detail})`);
}

/** Sends a signed request. WeChat's answer as it came: nothing of it has been checked. */
async function exchangeSigned(client: V3Client, request: V3Request): Promise<HttpOutcome> {
  const { env } = client;
  const message = await buildMessage(client, request, env.baseUrl);
  return await exchange(env, env.fetch, message);
}

/** A signed request as it is sent to `baseUrl`, whose own path is signed too. */
export async function buildMessage(
  { merchant }: V3Client,
  request: V3Request,
  baseUrl: string,
): Promise<HttpRequest> {
  const { method, path } = request;
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  const url = new URL(`${baseUrl}${path}`);
  return {
    method,
    path,
    headers: {
      accept: "application/json",
      // With fetch's own `*` WeChat answers 406 (W-67).
      "accept-language": "zh-CN",
      "user-agent": "wechat-pay-gateway",
      ...(body === "" ? {} : { "content-type": "application/json" }),
      ...publicKeyHeader(merchant),
      authorization: await authorization(merchant, {
        method,
        path: url.pathname + url.search,
        body,
        timestamp: Math.floor(Date.now() / 1000),
        nonce: randomHex32(),
      }),
    },
    body: body === "" ? null : body,
    timeoutMs: request.timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
  };
}

/** Has WeChat sign its reply with the public key, for a merchant that has one (W-75). */
function publicKeyHeader({ v3 }: V3Merchant): Record<string, string> {
  const newest = v3.verifyKeys.find(({ kind }) => kind === "public-key");
  return newest === undefined ? {} : { "wechatpay-serial": newest.id };
}

const errorBody = z.object({ code: z.string().min(1), message: z.string().default("") });

/**
 * The status first (W-72): verifying would hide the true error.
 * An error that isn't in WeChat's words may be a proxy's, and says nothing about the request.
 */
export function readStatus(
  outcome: HttpOutcome,
):
  | { readonly kind: "signed"; readonly headers: Headers; readonly body: Uint8Array }
  | { readonly kind: "error"; readonly error: HttpError }
  | Unknown {
  if (outcome.kind === "failed") return unknown(outcome.reason);
  const { status, headers, body } = outcome;
  if (status === 200 || status === 204) return { kind: "signed", headers, body };
  if (status < 400) return unknown(`HTTP ${status}`);
  const read = readJson(body, errorBody);
  if (!read.ok) return unknown(`HTTP ${status}, not in WeChat's words`);
  const { code, message } = read.value;
  return { kind: "error", error: { status, code, message: `${message}${requestIdOf(headers)}` } };
}

function requestIdOf(headers: Headers): string {
  const id = headers.get("request-id") ?? "";
  return REQUEST_ID.test(id) ? ` (Request-ID ${id})` : "";
}

/** Looks among the merchant's keys, and once more beyond them: one may have come a moment ago. */
export function keyFinder({
  merchant,
  findVerifyKey,
}: Pick<V3Client, "merchant" | "findVerifyKey">): KeyLookup {
  return async (id) =>
    merchant.v3.verifyKeys.find((key) => key.id === id) ?? (await findVerifyKey(merchant.id, id));
}
