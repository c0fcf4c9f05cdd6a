import * as z from "zod";
import { exchange, type HttpOutcome, type HttpRequest } from "../transport.ts";
import { randomHex32 } from "../../lib/random.ts";
import { unknown } from "../error-class.ts";
import type { WechatEnv, Unknown, V3Merchant, VerifyKeyLookup } from "../types.ts";
import { authorization } from "./authorization.ts";
import type { HttpError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { verify, type KeyLookup } from "./verify.ts";

/** A merchant, the network for its calls, and the look-up of verifying keys. */
export interface V3Client {
  readonly merchant: V3Merchant;
  readonly env: WechatEnv;
  readonly findVerifyKey: VerifyKeyLookup;
}

/** The part of a request that differs between calls. */
export interface V3Request {
  readonly method: "GET" | "POST";
  /** Path and query, percent-encoded. */
  readonly path: string;
  /** Sent as JSON. Only documented fields and no nulls: WeChat refuses others (W-68). */
  readonly body?: object;
  readonly timeoutMs: number;
  /** For an answer that contains the key that verifies it; by default the merchant's keys do. */
  readonly findKey?: (body: Uint8Array) => Promise<KeyLookup>;
}

/** `done` is verified; `error` is unsigned. */
export type V3Response =
  | { readonly kind: "done"; readonly body: Uint8Array }
  | { readonly kind: "error"; readonly error: HttpError }
  | Unknown;

/** Bytes. The longest JSON answer known, with its promotions, is below 20 KB. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** WeChat's id of this exchange, which its support asks for. */
const REQUEST_ID = /^[\w-]{1,128}$/;

/** Sends a request and verifies the answer. An untrustworthy answer is `unknown`. */
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
  const { kind, detail } = verified.error;
  return {
    ...unknown(`answer not correctly signed (${kind}: ${detail})`),
    unverified:
      kind === "unknown-key" && isMissingPublicKey(client.merchant, answer.headers)
        ? "public-key"
        : "signature",
  };
}

/**
 * Whether a message claims to be signed with a public key (W-75), of which the merchant has none.
 * Anybody can claim that in a notification.
 */
export function isMissingPublicKey({ v3 }: Pick<V3Merchant, "v3">, headers: Headers): boolean {
  return (
    (headers.get("wechatpay-serial") ?? "").startsWith("PUB_KEY_ID_") &&
    v3.verifyKeys.every(({ kind }) => kind !== "public-key")
  );
}

/** Sends a signed request. Returns WeChat's unverified answer. */
async function exchangeSigned(client: V3Client, request: V3Request): Promise<HttpOutcome> {
  const { env } = client;
  const message = await buildMessage(client, request, env.baseUrl);
  return await exchange(env, env.fetch, message);
}

/** Builds the signed HTTP request to `baseUrl`, whose path is signed too. */
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

/** Makes WeChat sign its reply with the public key, for a merchant that has one (W-75). */
function publicKeyHeader({ v3 }: V3Merchant): Record<string, string> {
  const newest = v3.verifyKeys.find(({ kind }) => kind === "public-key");
  return newest === undefined ? {} : { "wechatpay-serial": newest.id };
}

const errorBody = z.object({
  code: z.string().min(1),
  message: z.string().default(""),
  // A hint only: an error counts whatever its details look like.
  detail: z.object({ field: z.string().nullable() }).catch({ field: null }),
});

/**
 * Evaluates the status before the signature (W-72): a failed verification would hide the actual
 * error. An error without WeChat's JSON may come from a proxy and says nothing about the request.
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
  if (!read.ok) return unknown(`HTTP ${status} without WeChat's error body`);
  const { code, message, detail } = read.value;
  const text = `${message}${requestIdOf(headers)}`;
  return { kind: "error", error: { status, code, message: text, field: detail.field } };
}

function requestIdOf(headers: Headers): string {
  const id = headers.get("request-id") ?? "";
  return REQUEST_ID.test(id) ? ` (Request-ID ${id})` : "";
}

/** Looks among the merchant's cached keys, then in D1: a key may have been stored since. */
export function keyFinder({
  merchant,
  findVerifyKey,
}: Pick<V3Client, "merchant" | "findVerifyKey">): KeyLookup {
  return async (id) =>
    merchant.v3.verifyKeys.find((key) => key.id === id) ?? (await findVerifyKey(merchant.id, id));
}
