import { onEitherHost, send, textOf, type Failed, type Unreached } from "./transport.ts";
import type { HttpRequest } from "./transport.ts";
import type { WechatEnv } from "./types.ts";

/** How long and how much a long answer may be. */
export interface StreamLimits {
  /** ms until its head is there. */
  readonly headMs: number;
  /** ms without a byte while somebody waits for one. */
  readonly stallMs: number;
  /** ms for everything. */
  readonly wholeMs: number;
  /** Bytes as they come over the line. */
  readonly maxBytes: number;
}

/**
 * A million lines are some 400 MB of text and a tenth of that gzipped. WeChat may take a while to
 * find a day's file before it begins; then the bytes flow, as fast as they are read.
 */
export const BILL_LIMITS: StreamLimits = {
  headMs: 60_000,
  stallMs: 60_000,
  wholeMs: 10 * 60_000,
  maxBytes: 1024 * 1024 * 1024,
};

/** The answer's body is to be read, or cancelled. It errors when a limit is passed. */
export interface StreamAnswer {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Sends one request and hands over the answer's body as it comes: for what is too long to be held.
 * Hosts, redirects and faults as with `exchange`; the limits of `request` don't count.
 */
export async function openStream(
  hosts: Pick<WechatEnv, "baseUrl" | "spareUrl">,
  fetch: WechatEnv["fetch"],
  request: HttpRequest,
  limits: StreamLimits,
): Promise<StreamAnswer | Failed> {
  return await onEitherHost(hosts, async (host) => await open(fetch, host, request, limits));
}

async function open(
  fetch: WechatEnv["fetch"],
  host: string,
  request: HttpRequest,
  limits: StreamLimits,
): Promise<StreamAnswer | Failed | Unreached> {
  const endAt = performance.now() + limits.wholeMs;
  const cut = new AbortController();
  const init: RequestInit = {
    method: request.method,
    headers: { ...request.headers },
    body: request.body,
    redirect: "manual",
    signal: cut.signal,
  };
  try {
    const asked = send(fetch, `${host}${request.path}`, init);
    const response = await within(limits.headMs, asked, cut);
    const { status, headers, body } = response;
    return { kind: "answered", status, headers, body: limited(body, cut, limits, endAt) };
  } catch (error) {
    return cut.signal.aborted
      ? { kind: "failed", reason: `no answer within ${limits.headMs} ms` }
      : { kind: "unreached", reason: `no connection: ${textOf(error)}` };
  }
}

/** The same bytes, within the limits. Nothing is read that nobody has asked for. */
function limited(
  body: ReadableStream<Uint8Array> | null,
  cut: AbortController,
  limits: StreamLimits,
  endAt: number,
): ReadableStream<Uint8Array> {
  const reader = (body ?? new Blob([]).stream()).getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const leftMs = Math.max(endAt - performance.now(), 0);
        const { done, value } = await within(Math.min(limits.stallMs, leftMs), reader.read(), cut);
        if (done) {
          controller.close();
          return;
        }
        bytes += value.byteLength;
        if (bytes > limits.maxBytes) {
          cut.abort();
          throw new Error(`answer longer than ${limits.maxBytes} bytes`);
        }
        controller.enqueue(value);
      },
      async cancel(reason) {
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What `work` comes to; hangs up and throws when that takes longer than `ms`. */
async function within<T>(ms: number, work: Promise<T>, cut: AbortController): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`nothing came within ${Math.round(ms)} ms`));
      cut.abort();
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
