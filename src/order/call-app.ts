import { isConfirmed } from "../core/contract/confirmation.ts";
import { parseRetryAfter } from "../core/contract/schedule.ts";
import type { SignedCallback } from "../core/contract/signed-callback.ts";

/** Contract: an app has this long to answer, body included. */
const TIME_LIMIT_MS = 10_000;
/** Contract: of an app's answer no more than this is read. */
const MOST_ANSWER_BYTES = 8 * 1024;
/** How much of the answer the timeline keeps, in characters. */
const HEAD_LENGTH = 200;

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
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: callback.headers,
      body: callback.body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    });
    const body = await readHead(response);
    return {
      confirmed: isConfirmed(response.status, body),
      status: response.status,
      head: body.slice(0, HEAD_LENGTH),
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), Date.now()),
    };
  } catch (error) {
    const head = error instanceof Error ? `${error.name}: ${error.message}` : "no answer";
    return { confirmed: false, status: null, head: head.slice(0, HEAD_LENGTH), retryAfterMs: null };
  }
}

/** Reads what the limit allows and hangs up: an endless answer costs no more than a long one. */
async function readHead(response: Response): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  while (size < MOST_ANSWER_BYTES) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}
