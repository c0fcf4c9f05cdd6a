import * as z from "zod";
import { readUpTo } from "../../lib/read-body.ts";
import { BILL_LIMITS, openStream, type StreamLimits } from "../stream.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { BillAnswer, BillRequest, Refused, Unknown } from "../types.ts";
import { buildMessage, send, MAX_ANSWER_BYTES, readStatus, type V3Client } from "./request.ts";
import { classifyDownloadError, classifyBillError } from "./error-codes.ts";
import { readJson } from "./json.ts";

/** The location of a day's bill, valid for five minutes. */
export interface TradeBill {
  /** Must be used unchanged: it contains a token. */
  readonly url: string;
  /** Lower-case hex SHA-1 of the bill as text, that is after decompression (W-94). */
  readonly sha1: string;
}

export type TradeBillAnswer =
  | { readonly kind: "ready"; readonly bill: TradeBill }
  /** No trades on that day: a valid result, with nothing to wait for. */
  | { readonly kind: "empty" }
  /** Not ready: request it again in half an hour. */
  | { readonly kind: "creating" }
  | Refused
  | Unknown;

const location = z.object({
  hash_type: z.literal("SHA1"),
  hash_value: z.string().regex(/^[0-9a-fA-F]{40}$/),
  download_url: z.url({ protocol: /^https?$/ }),
});

/**
 * Requests the location of the bill of all trades of a day (W-92), gzipped. `date` is `yyyy-MM-dd` in
 * Beijing, before today and within three months.
 */
export async function requestTradeBill(client: V3Client, date: string): Promise<TradeBillAnswer> {
  const query = new URLSearchParams({ bill_date: date, bill_type: "ALL", tar_type: "GZIP" });
  const reply = await send(client, {
    method: "GET",
    path: `/v3/bill/tradebill?${query.toString()}`,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "unknown") return reply;
  if (reply.kind === "error") {
    const errorClass = classifyBillError(reply.error);
    return errorClass === "empty" || errorClass === "creating"
      ? { kind: errorClass }
      : answerFor(errorClass, reply.error);
  }
  const read = readJson(reply.body, location);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const { download_url: url, hash_value: hash } = read.value;
  return { kind: "ready", bill: { url, sha1: hash.toLowerCase() } };
}

/** Requests the bill of a day and opens its download. */
export async function openBill(client: V3Client, { day }: BillRequest): Promise<BillAnswer> {
  const answer = await requestTradeBill(client, day);
  return answer.kind === "ready" ? await downloadBill(client, answer.bill) : answer;
}

/**
 * Opens the download of a bill. The request is signed over the URL's path and query; the reply isn't
 * signed (W-93), so the reader must check its hash.
 */
export async function downloadBill(
  client: V3Client,
  { url, sha1 }: TradeBill,
  limits: StreamLimits = BILL_LIMITS,
): Promise<Extract<BillAnswer, { kind: "opened" | "refused" | "unknown" }>> {
  const { origin, pathname, search } = new URL(url);
  const { baseUrl, spareUrl, fetch } = client.env;
  const isAtBase = origin === new URL(baseUrl).origin;
  // The URL comes from a verified answer. Without TLS, except at WeChat's base URL (the sandbox), its
  // token would be exposed.
  if (!origin.startsWith("https:") && !isAtBase) {
    return unknown("the bill's URL has no TLS");
  }
  const request = { method: "GET", path: pathname + search, timeoutMs: limits.wholeMs } as const;
  const message = await buildMessage(client, request, origin);
  // Both hosts have the same paths (W-95), as long as the URL is the base host's.
  const spare = isAtBase && spareUrl !== null ? new URL(spareUrl).origin : null;
  const outcome = await openStream({ baseUrl: origin, spareUrl: spare }, fetch, message, limits);
  if (outcome.kind === "failed") return unknown(outcome.reason);
  if (outcome.status === 200) return { kind: "opened", stream: outcome.body, sha1 };
  const body = await readError(outcome.body);
  const answer = readStatus({ ...outcome, body });
  if (answer.kind === "error") return answerFor(classifyDownloadError(answer.error), answer.error);
  return answer.kind === "unknown" ? answer : unknown(`HTTP ${outcome.status} without a bill`);
}

/** An error's body is short; a body that breaks off or is too long is treated as empty. */
async function readError(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  try {
    return (await readUpTo(body, MAX_ANSWER_BYTES)) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
