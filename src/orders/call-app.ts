import { isConfirmed, parseRetryAfter } from "../contract/callback/app-answer.ts";
import type { SignedCallback } from "../contract/callback/signed-callback.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { USER_AGENT } from "../lib/user-agent.ts";

/** Contract: an app must respond within this time, body included. */
const CALL_TIMEOUT_MS = 10_000;
/** Contract: at most this much of an app's response is read. */
const MAX_ANSWER_BYTES = 8 * 1024;
/** The timeline keeps this many characters of the response. */
const MAX_HEAD_LENGTH = 200;

/** The outcome of one call to an app. */
export interface AppAnswer {
  readonly confirmed: boolean;
  /** HTTP status; null when there was no response. */
  readonly status: number | null;
  /** The head of the response, or the reason why there was none. */
  readonly head: string;
  /** The wait that the app requested by `Retry-After`, in ms; null without a valid one. */
  readonly retryAfterMs: number | null;
}

/** Calls an app. A redirect is a failed call: only the operator sets a notify URL, never the app. */
export async function callApp(url: string, callback: SignedCallback): Promise<AppAnswer> {
  return await withTimeLimit(
    CALL_TIMEOUT_MS,
    async (signal) => await callWithin(signal, url, callback),
  );
}

async function callWithin(
  signal: AbortSignal,
  url: string,
  callback: SignedCallback,
): Promise<AppAnswer> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "user-agent": USER_AGENT, accept: "*/*", ...callback.headers },
      body: callback.body,
      redirect: "manual",
      signal,
    });
  } catch (error) {
    return { confirmed: false, status: null, head: reasonOf(error), retryAfterMs: null };
  }
  const { status } = response;
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), Date.now());
  try {
    const { text, complete } = await readHead(response, signal);
    return {
      // The unread rest might contradict the part that was read.
      confirmed: complete && isConfirmed(status, text),
      status,
      head: text.slice(0, MAX_HEAD_LENGTH),
      retryAfterMs,
    };
  } catch (error) {
    return { confirmed: false, status, head: reasonOf(error), retryAfterMs };
  }
}

/**
 * Reads up to the limits and cancels the body: an endless response costs no more than a long one, a
 * stalling one no more than a late one. Throws when the connection breaks or the time is up.
 */
async function readHead(
  response: Response,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly complete: boolean }> {
  if (response.body === null) return { text: "", complete: true };
  signal.throwIfAborted();
  const reader = response.body.getReader();
  // Ends a pending read too, whether or not the stream itself heeds the signal.
  const cancel = (): void => void reader.cancel().catch(() => null);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const decoder = new TextDecoder();
    let text = "";
    let size = 0;
    while (size < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return { text: text + decoder.decode(), complete: true };
      size += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
    cancel();
    return { text, complete: false };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : "no answer";
  return reason.slice(0, MAX_HEAD_LENGTH);
}
