import type { Attempt } from "../ledger/notifications.ts";

/** WeChat docs: the merchant answers within 5 seconds. */
const TIME_LIMIT_MS = 5000;
const ANSWER_LIMIT_BYTES = 8192;
const ANSWER_HEAD_LENGTH = 300;

/** A notification as it goes over the wire, this once. */
export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Whether an answer says that the notification was received. */
  received: (status: number, answer: string) => boolean;
}

/**
 * Posts a notification once. A redirect is not followed. Never throws: every way to fail is an
 * {@link Attempt} that is not `ok`.
 */
export async function deliver({ url, headers, body, received }: Post): Promise<Attempt> {
  const at = Date.now();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    });
    const answer = await head(response);
    const ok = received(response.status, answer);
    return { at, status: response.status, ok, answer: answer.slice(0, ANSWER_HEAD_LENGTH) };
  } catch (error) {
    // A refused connection, a broken answer or the time limit: all the same to WeChat.
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { at, status: null, ok: false, answer: reason.slice(0, ANSWER_HEAD_LENGTH) };
  }
}

/** The first part of an answer as text; what comes after is not read. */
async function head(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  while (size < ANSWER_LIMIT_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
  }
  await reader.cancel();
  return Buffer.concat(chunks).subarray(0, ANSWER_LIMIT_BYTES).toString("utf8");
}
