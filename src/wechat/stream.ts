import { readUpTo } from "../lib/read-body.ts";
import { isEdgeError, MAX_EDGE_BODY_BYTES, mayBeEdgeError } from "./edge-error.ts";
import { edgeReason, initOf, onEitherHost, send, textOf } from "./transport.ts";
import type { Failed, HttpRequest, Unreached } from "./transport.ts";
import type { WechatEnv } from "./types.ts";

/** The limits of a streamed answer. */
export interface StreamLimits {
  /** ms until the headers arrive. */
  readonly headMs: number;
  /** ms without a byte while the reader waits for one. */
  readonly stallMs: number;
  /** ms for the whole exchange. */
  readonly wholeMs: number;
  /** Bytes on the wire, before decompression. */
  readonly maxBytes: number;
}

/**
 * A million lines are about 400 MB of text, and a tenth of that gzipped. WeChat may need some time to
 * find a day's file before it responds; then it sends as fast as it is read.
 */
export const BILL_LIMITS: StreamLimits = {
  headMs: 60_000,
  stallMs: 60_000,
  wholeMs: 10 * 60_000,
  maxBytes: 1024 * 1024 * 1024,
};

/** The caller must read or cancel the body, which errors when a limit is exceeded. */
export interface StreamAnswer {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Sends one request and streams the answer's body, for answers too long for memory. Treats hosts,
 * redirects and faults as `exchange` does; ignores the limits in `request`.
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
  const abort = new AbortController();
  try {
    const sent = send(fetch, `${host}${request.path}`, initOf(request, abort.signal));
    const response = await within(limits.headMs, sent, abort);
    const { status, headers } = response;
    const body = limited(response.body, abort, limits, endAt);
    const answer: StreamAnswer = { kind: "answered", status, headers, body };
    return mayBeEdgeError(status) ? await readDoubtful(answer) : answer;
  } catch (error) {
    return abort.signal.aborted
      ? { kind: "failed", reason: `no answer within ${limits.headMs} ms` }
      : { kind: "unreached", reason: `no connection: ${textOf(error)}` };
  }
}

/** Reads the body of an answer that may be Cloudflare's; one of WeChat's is streamed again. */
async function readDoubtful(answer: StreamAnswer): Promise<StreamAnswer | Unreached> {
  const { status, headers } = answer;
  // A body that stalls, breaks off or is too long isn't one of WeChat's errors.
  const body = await readUpTo(answer.body, MAX_EDGE_BODY_BYTES).catch(() => null);
  if (isEdgeError(status, headers, body)) return { kind: "unreached", reason: edgeReason(status) };
  return { ...answer, body: new Blob(body === null ? [] : [body]).stream() };
}

/** The same bytes within the limits. Reads only on demand. */
function limited(
  body: ReadableStream<Uint8Array> | null,
  abort: AbortController,
  limits: StreamLimits,
  endAt: number,
): ReadableStream<Uint8Array> {
  const reader = (body ?? new Blob([]).stream()).getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const leftMs = Math.max(endAt - performance.now(), 0);
        const { done, value } = await within(
          Math.min(limits.stallMs, leftMs),
          reader.read(),
          abort,
        );
        if (done) {
          controller.close();
          return;
        }
        bytes += value.byteLength;
        if (bytes > limits.maxBytes) {
          abort.abort();
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

/** The result of `work`; aborts the request and throws when it takes longer than `ms`. */
async function within<T>(ms: number, work: Promise<T>, abort: AbortController): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`nothing arrived within ${Math.round(ms)} ms`));
      abort.abort();
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
