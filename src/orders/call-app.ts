import { isConfirmed } from "../contract/callback/confirmation.ts";
import { parseRetryAfter } from "../contract/callback/schedule.ts";
import type { SignedCallback } from "../contract/callback/signed-callback.ts";

/** Contract: an app has this long to answer, body included. */
const CALL_TIMEOUT_MS = 10_000;
/** Contract: of an app's answer no more than this is read. */
const MAX_ANSWER_BYTES = 8 * 1024;
/** How much of the answer the timeline keeps, in characters. */
const MAX_HEAD_LENGTH = 200;

/** What came of one call to an app. */
export interface AppAnswer {
  readonly confirmed: boolean;
  /** HTTP status, or null when there was no answer. */
  readonly status: number | null;
  /** The head of the answer, or why there was none. */
  readonly head: string;
  /** What the app asked for by `Retry-After`, in ms. */
  readonly retryAfterMs: number | null;
}

/** Calls an app. A redirect is a failed call: a notify URL is the operator's word, not the app's. */
export async function callApp(url: string, callback: SignedCallback): Promise<AppAnswer> {
  const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: callback.headers,
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
    const { text, whole } = await readHead(response, signal);
    return {
      // What was cut off might have said otherwise.
      confirmed: whole && isConfirmed(status, text),
      status,
      head: text.slice(0, MAX_HEAD_LENGTH),
      retryAfterMs,
    };
  } catch (error) {
    return { confirmed: false, status, head: reasonOf(error), retryAfterMs };
  }
}

/**
 * Reads what the limits allow and hangs up: an endless answer costs no more than a long one, one
 * that drips no more than a late one. Throws when it breaks off, or when the time is up.
 */
async function readHead(
  response: Response,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly whole: boolean }> {
  if (response.body === null) return { text: "", whole: true };
  signal.throwIfAborted();
  const reader = response.body.getReader();
  // Ends a pending read too, whether or not the stream itself heeds the signal.
  const hangUp = (): void => void reader.cancel().catch(() => null);
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    const decoder = new TextDecoder();
    let text = "";
    let size = 0;
    while (size < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return { text: text + decoder.decode(), whole: true };
      size += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
    hangUp();
    return { text, whole: false };
  } finally {
    signal.removeEventListener("abort", hangUp);
  }
}

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : "no answer";
  return reason.slice(0, MAX_HEAD_LENGTH);
}
