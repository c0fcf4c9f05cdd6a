import * as z from "zod";
import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf, unknown } from "../verdict.ts";
import type { Refused, Unknown } from "../wechat-pay.ts";
import { call, readStatus, send, type V3Line } from "./call.ts";
import { judgeDownload, judgeTradeBill } from "./errors.ts";
import { readJson } from "./json.ts";

/** Where a day's bill lies, for five minutes. */
export interface TradeBill {
  /** To be used as it stands: it carries a token. */
  readonly url: string;
  /** Lower-case hex SHA-1 of the bill as text, that is after decompression. */
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
 * Asks for the bill of all trades of a day (WeChat: bill/tradebill), gzipped. `date` is
 * `yyyy-MM-dd` in Beijing, before today and within three months.
 */
export async function askTradeBill(line: V3Line, date: string): Promise<TradeBillAnswer> {
  const query = new URLSearchParams({ bill_date: date, bill_type: "ALL", tar_type: "GZIP" });
  const reply = await call(line, {
    method: "GET",
    path: `/v3/bill/tradebill?${query.toString()}`,
    limitMs: SHORT_LIMIT_MS,
  });
  if (reply.kind === "unknown") return reply;
  if (reply.kind === "error") {
    const verdict = judgeTradeBill(reply.error);
    return verdict === "empty" || verdict === "creating"
      ? { kind: verdict }
      : answerOf(verdict, reply.error);
  }
  const read = readJson(reply.body, location);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const { download_url: url, hash_value: hash } = read.value;
  return { kind: "ready", bill: { url, sha1: hash.toLowerCase() } };
}

export type BillDownload =
  | { readonly kind: "downloaded"; readonly body: Uint8Array }
  | Refused
  | Unknown;

/**
 * Downloads a bill. The request is signed like any other, over the URL's own path and query; the
 * reply isn't signed at all (WeChat: bill download), so its hash is the caller's to check.
 */
export async function downloadBill(
  line: V3Line,
  { url }: Pick<TradeBill, "url">,
  limits: { readonly limitMs: number; readonly maxBytes: number },
): Promise<BillDownload> {
  const { origin, pathname, search } = new URL(url);
  // The URL is WeChat's word, verified; over anything but its own host or TLS it would be no secret.
  if (!origin.startsWith("https:") && origin !== new URL(line.surroundings.baseUrl).origin) {
    return unknown("the bill lies at an address without TLS");
  }
  const hosts = { baseUrl: origin, spareUrl: null };
  const request = { method: "GET", path: pathname + search, ...limits } as const;
  const answer = readStatus(await send(line, request, hosts));
  switch (answer.kind) {
    case "signed":
      return { kind: "downloaded", body: answer.body };
    case "error":
      return answerOf(judgeDownload(answer.error), answer.error);
    case "unknown":
      return answer;
  }
}
