import type { Attempt } from "../ledger/notifications.ts";

/** The merchant must respond within 5 seconds (W-50). */
const RESPONSE_TIMEOUT_MS = 5000;
const MAX_RESPONSE_BYTES = 8192;
const MAX_STORED_CHARACTERS = 300;

/** The HTTP request of one delivery attempt. */
export interface DeliveryRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether a response acknowledges the notification. */
  readonly isAcknowledgement: (status: number, body: string) => boolean;
}

/**
 * Sends a notification once, without following redirects. Never throws: every failure is an
 * {@link Attempt} that is not `ok`.
 */
export async function deliver(request: DeliveryRequest): Promise<Attempt> {
  const { url, headers, body, isAcknowledgement } = request;
  const at = Date.now();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(RESPONSE_TIMEOUT_MS),
    });
    const answer = await readStart(response);
    const ok = isAcknowledgement(response.status, answer);
    return { at, status: response.status, ok, answer: answer.slice(0, MAX_STORED_CHARACTERS) };
  } catch (error) {
    // A refused connection, a broken response or a timeout: WeChat handles them alike.
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { at, status: null, ok: false, answer: reason.slice(0, MAX_STORED_CHARACTERS) };
  }
}

/** Reads the start of a response body as text and cancels the rest. */
async function readStart(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  while (size < MAX_RESPONSE_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
  }
  await reader.cancel();
  return Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES).toString("utf8");
}
