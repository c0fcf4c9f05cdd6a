import { readXml } from "../protocol/xml.ts";
import type { Attempt, Notification } from "./notifications.ts";

/** WeChat docs: the merchant answers within 5 seconds. */
const TIME_LIMIT_MS = 5000;
const ANSWER_LIMIT_BYTES = 8192;
const ANSWER_HEAD_LENGTH = 300;

/**
 * Posts a notification once. It counts as received only when the answer is HTTP 200 with an XML
 * that says return_code SUCCESS, in time. A redirect is not followed. Never throws: every way to
 * fail is an {@link Attempt} that is not `ok`.
 */
export async function deliver(notification: Notification): Promise<Attempt> {
  const at = Date.now();
  try {
    const response = await fetch(notification.url, {
      method: "POST",
      headers: { "content-type": "text/xml", "user-agent": "Mozilla/4.0" },
      body: notification.body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIME_LIMIT_MS),
    });
    const answer = await head(response);
    const ok = response.status === 200 && saysSuccess(answer);
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

function saysSuccess(answer: string): boolean {
  const reading = readXml(answer);
  return reading.ok && reading.root === "xml" && reading.fields.get("return_code") === "SUCCESS";
}
