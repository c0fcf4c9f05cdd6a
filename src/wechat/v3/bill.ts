import * as z from "zod";
import { readUpTo } from "../../lib/read-up-to.ts";
import { BILL_LIMITS, openStream, type StreamLimits } from "../stream.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { BillAnswer, BillRequest, Refused, Unknown } from "../types.ts";
import { buildMessage, send, MAX_ANSWER_BYTES, readStatus, type V3Client } from "./request.ts";
import { classifyDownloadError, classifyBillError } from "./error-codes.ts";
import { readJson } from "./json.ts";

/** Where a day's bill lies, for five minutes. */
export interface TradeBill {
  /** To be used as it stands: it carries a token. */
  readonly url: string;
  /** Lower-case hex SHA-1 of the bill as text, that is after decompression (W-94). */
  readonly sha1: string;
}

export type TradeBillAnswer =
  | { readonly kind: "ready"; readonly bill: TradeBill }
  /** No trade that day: a valid result, there is nothing to wait for. */
  | { readonly kind: "empty" }
  /** Still being made: ask again in half an hour. */
  | { readonly kind: "creating" }
  | Refused
  | Unknown;

const location = z.object({
  hash_type: z.literal("SHA1"),
  hash_value: z.string().regex(/^[0-9a-fA-F]{40}$/),
  download_url: z.url({ protocol: /^https?$/ }),
});

/**
 * Asks for the bill of all trades of a day (W-92), gzipped. `date` is
 * `yyyy-MM-dd` in Beijing, before today and within three months.
 */
export async function askTradeBill(client: V3Client, date: string): Promise<TradeBillAnswer> {
  const query = new URLSearchParams({ bill_date: date, bill_type: "ALL", tar_type: "GZIP" });
  const reply = await send(client, {
    method: "GET",
    path: `/v3/bill/tradebill?${query.toString()}`,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "unknown") return reply;
  if (reply.kind === "error") {
    const verdict = classifyBillError(reply.error);
    return verdict === "empty" || verdict === "creating"
      ? { kind: verdict }
      : answerFor(verdict, reply.error);
  }
  const read = readJson(reply.body, location);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const { download_url: url, hash_value: hash } = read.value;
  return { kind: "ready", bill: { url, sha1: hash.toLowerCase() } };
}

/** The bill of a day, on its way. */
export async function openBill(client: V3Client, { day }: BillRequest): Promise<BillAnswer> {
  const answer = await askTradeBill(client, day);
  return answer.kind === "ready" ? await downloadBill(client, answer.bill) : answer;
}

/**
 * Downloads a bill. The request is signed like any other, over the URL's own path and query; the
 * reply isn't signed at all (W-93), so its hash is the reader's to check.
 */
export async function downloadBill(
  client: V3Client,
  { url, sha1 }: TradeBill,
  limits: StreamLimits = BILL_LIMITS,
): Promise<Extract<BillAnswer, { kind: "opened" | "refused" | "unknown" }>> {
  const { origin, pathname, search } = new URL(url);
  const { baseUrl, fetch } = client.env;
  // The URL is WeChat's word, verified; over anything but its own host or TLS it would be no secret.
  if (!origin.startsWith("https:") && origin !== new URL(baseUrl).origin) {
    return unknown("the bill lies at an address without TLS");
  }
  const request = { method: "GET", path: pathname + search, timeoutMs: limits.wholeMs } as const;
  const message = await buildMessage(client, request, origin);
  const outcome = await openStream({ baseUrl: origin, spareUrl: null }, fetch, message, limits);
  if (outcome.kind === "failed") return unknown(outcome.reason);
  if (outcome.status === 200) return { kind: "opened", stream: outcome.body, sha1 };
  const body = await readError(outcome.body);
  const answer = readStatus({ ...outcome, body });
  if (answer.kind === "error") return answerFor(classifyDownloadError(answer.error), answer.error);
  return answer.kind === "unknown" ? answer : unknown(`HTTP ${outcome.status} without a bill`);
}

/** An error's words are short; what breaks off or goes on and on says nothing. */
async function readError(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  try {
    return (await readUpTo(body, MAX_ANSWER_BYTES)) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}
