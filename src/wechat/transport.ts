import { readUpTo } from "../lib/read-body.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { USER_AGENT } from "../lib/user-agent.ts";
import { isEdgeError, MAX_EDGE_BODY_BYTES, mayBeEdgeError } from "./edge-error.ts";
import type { WechatEnv } from "./types.ts";

/** ms. A payer waits for these calls; WeChat usually answers within one second. */
export const CALL_TIMEOUT_MS = 5_000;
/** ms. WeChat records a refund before it answers; no payer waits for it. */
export const REFUND_TIMEOUT_MS = 10_000;
/** Bytes. The longest XML answer known, ten refunds with coupons, is below 20 KB. */
export const MAX_XML_ANSWER_BYTES = 64 * 1024;
/** Characters of a network error's text that are kept for the log. */
const MAX_REASON_LENGTH = 200;

type Fetch = WechatEnv["fetch"];

export interface HttpRequest {
  readonly method: "GET" | "POST";
  /** Begins with a slash; appended to the host's base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** ms for everything: both hosts, and reading the body. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** A network fault. WeChat may have carried out the request. */
export interface Failed {
  readonly kind: "failed";
  readonly reason: string;
}

export type HttpOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: Headers;
      readonly body: Uint8Array;
    }
  | Failed;

/** No connection: another host may be tried. */
export interface Unreached {
  readonly kind: "unreached";
  readonly reason: string;
}

/**
 * Sends one request and reads the whole answer, whatever its status; redirects aren't followed.
 *
 * The spare host is tried once, when `fetch` rejects for a reason other than our timeout or Cloudflare
 * answers in the host's place (edge-error.ts). The first host may still have received the request;
 * that is safe because WeChat recognises repeats by their order or refund number, and the other calls
 * only read. Once a host has answered, however badly, nothing is sent again.
 *
 * @returns `failed` for every network fault, both hosts' included: the outcome is unknown. Never
 *   throws for one.
 */
export async function exchange(
  hosts: Pick<WechatEnv, "baseUrl" | "spareUrl">,
  fetch: Fetch,
  request: HttpRequest,
): Promise<HttpOutcome> {
  return await withTimeLimit(request.timeoutMs, async (signal) => {
    const expired = expiry(signal);
    return await onEitherHost(
      hosts,
      async (host) => await attempt(fetch, host, request, signal, expired),
    );
  });
}

/** Tries the spare host, if any, when the first can't be reached. */
export async function onEitherHost<T extends { readonly kind: "answered" | "failed" }>(
  { baseUrl, spareUrl }: Pick<WechatEnv, "baseUrl" | "spareUrl">,
  attemptAt: (host: string) => Promise<T | Unreached>,
): Promise<T | Failed> {
  const first = await attemptAt(baseUrl);
  if (first.kind !== "unreached") return first;
  if (spareUrl === null) return { kind: "failed", reason: first.reason };
  const second = await attemptAt(spareUrl);
  if (second.kind !== "unreached") return second;
  return { kind: "failed", reason: `${first.reason}; spare host: ${second.reason}` };
}

async function attempt(
  fetch: Fetch,
  host: string,
  request: HttpRequest,
  signal: AbortSignal,
  expired: Promise<never>,
): Promise<HttpOutcome | Unreached> {
  const init = initOf(request, signal);
  let response: Response;
  try {
    response = await Promise.race([send(fetch, `${host}${request.path}`, init), expired]);
  } catch (error) {
    return signal.aborted
      ? { kind: "failed", reason: `no answer within ${request.timeoutMs} ms` }
      : { kind: "unreached", reason: `no connection: ${textOf(error)}` };
  }
  return mayBeEdgeError(response.status)
    ? await readDoubtful(response, request, signal, expired)
    : await readAnswer(response, request, signal, expired);
}

/** Reads an answer that may be Cloudflare's; a body that can't be read isn't WeChat's. */
async function readDoubtful(
  response: Response,
  request: HttpRequest,
  signal: AbortSignal,
  expired: Promise<never>,
): Promise<HttpOutcome | Unreached> {
  const { status, headers } = response;
  const limits = { ...request, maxBytes: Math.max(request.maxBytes, MAX_EDGE_BODY_BYTES) };
  const answer = await readAnswer(response, limits, signal, expired);
  if (signal.aborted) return answer;
  const body = answer.kind === "answered" ? answer.body : null;
  if (isEdgeError(status, headers, body)) return { kind: "unreached", reason: edgeReason(status) };
  return (body?.byteLength ?? 0) > request.maxBytes ? tooLong(request.maxBytes) : answer;
}

/** Why a host counts as unreached that Cloudflare answered for. */
export function edgeReason(status: number): string {
  return `no connection: HTTP ${status} of Cloudflare`;
}

function tooLong(maxBytes: number): Failed {
  return { kind: "failed", reason: `answer longer than ${maxBytes} bytes` };
}

/** What `fetch` gets. A request's own headers come before those that every call has. */
export function initOf({ method, headers, body }: HttpRequest, signal: AbortSignal): RequestInit {
  return {
    method,
    headers: { "user-agent": USER_AGENT, accept: "*/*", ...headers },
    body,
    redirect: "manual",
    signal,
  };
}

/** Rejects where `fetch` throws synchronously, as for a malformed URL. */
export async function send(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  return await fetch(url, init);
}

async function readAnswer(
  response: Response,
  request: HttpRequest,
  signal: AbortSignal,
  expired: Promise<never>,
): Promise<HttpOutcome> {
  try {
    const body = await Promise.race([readUpTo(response.body, request.maxBytes), expired]);
    if (body === null) return tooLong(request.maxBytes);
    return { kind: "answered", status: response.status, headers: response.headers, body };
  } catch (error) {
    return signal.aborted
      ? { kind: "failed", reason: `no whole answer within ${request.timeoutMs} ms` }
      : { kind: "failed", reason: `answer broke off: ${textOf(error)}` };
  }
}

/** Rejects at the timeout, so that it holds even when `fetch` ignores the signal. */
async function expiry(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("time limit")), { once: true });
  });
}

/** The part of a network error that may be logged. */
export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.slice(0, MAX_REASON_LENGTH);
}
