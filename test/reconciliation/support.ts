import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { findReconciliationOf, type ReconciliationRow } from "../../src/db/reconciliations.ts";
import { incidents } from "../../src/db/schema.ts";
import type { IncidentRow } from "../../src/db/incidents.ts";
import type { Started } from "../../src/reconciliation/reconciliation-object.ts";
import { reconciliationObject } from "../../src/reconciliation/schedule.ts";
import { verifySign } from "../../src/wechat/v2/sign.ts";
import { readXml } from "../../src/wechat/v2/xml.ts";
import { lineOf, NAMES, SUMMARY, valuesLine } from "../domain/bill/support.ts";
import { isAuthentic } from "../support/fake-wechat-v3.ts";
import type { Shop } from "../support/shop.ts";
import type { Scene } from "../support/scene.ts";
import { xmlOf } from "../wechat/support/messages.ts";
import { signedHeaders } from "../wechat/v3/support/messages.ts";
import { and, eq, notLike } from "drizzle-orm";

/** The day at which the tests' clock starts, at 08:00 in Beijing. */
export const DAY = "2040-01-01";

export const beijing = (text: string): number => Date.parse(`${text}+08:00`);

/** The time at which the day's bill is ready. */
export const READY_AT = beijing("2040-01-02T10:30:00");

/** WeChat's answer to one request for a bill. */
export type BillResponse =
  | {
      readonly kind: "bill";
      readonly text: string;
      readonly plain?: boolean;
      /** The number of bytes sent before the connection breaks. */
      readonly breaksAt?: number;
      /** Replaces the correct hash (APIv3). */
      readonly sha1?: string;
    }
  | { readonly kind: "empty" | "creating" | "refused" | "away" };

export interface Bills {
  /** Sets the answers to the next requests, one per request; the last one repeats. */
  readonly respondWith: (...responses: BillResponse[]) => void;
  /** The days of the requests so far. */
  readonly requestedDays: string[];
}

const FILE = "/billdownload/file?token=a%2Bb";

/** Makes the scene's WeChat serve bills: empty ones until the test sets others. */
export function serveBills({ shop }: Scene): Bills {
  const fallback = vi.mocked(globalThis.fetch).getMockImplementation();
  const requestedDays: string[] = [];
  let queue: BillResponse[] = [{ kind: "empty" }];
  let last: BillResponse = { kind: "empty" };
  const next = (day: string): BillResponse => {
    requestedDays.push(day);
    last = queue.length > 1 ? (queue.shift() ?? last) : (queue[0] ?? last);
    return last;
  };
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const path = url.pathname + url.search;
    const body = typeof init?.body === "string" ? init.body : "";
    const request = {
      method: init?.method ?? "GET",
      path,
      headers: new Headers(init?.headers),
      body,
    };
    if (url.pathname === "/pay/downloadbill") return await respondV2(shop, body, next);
    if (url.pathname === "/v3/bill/tradebill") {
      if (!isAuthentic(request)) throw new Error("a request for a bill has an invalid signature");
      return respondV3(next(url.searchParams.get("bill_date") ?? ""));
    }
    if (path === FILE) {
      if (!isAuthentic(request)) throw new Error("a download has an invalid signature");
      return last.kind === "bill" ? billResponse(last) : new Response(null, { status: 404 });
    }
    if (fallback === undefined) throw new Error("no scene is open");
    return await fallback(input, init);
  });
  return {
    requestedDays,
    respondWith: (...responses) => {
      queue = responses;
    },
  };
}

async function respondV2(
  shop: Shop,
  body: string,
  next: (day: string) => BillResponse,
): Promise<Response> {
  const read = readXml(body);
  if (!read.ok) throw new Error(`the gateway wrote XML that can't be read: ${read.error}`);
  const fields = Object.fromEntries(read.value);
  const signType = await verifySign(read.value, shop.apiKey);
  if (signType !== shop.v2SignType)
    throw new Error("a request for a bill has an invalid signature");
  if (fields["appid"] !== shop.wechatAppId) throw new Error("the appid isn't the merchant's");
  const day = (fields["bill_date"] ?? "").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
  const response = next(day);
  switch (response.kind) {
    case "bill":
      return billResponse(response);
    case "empty":
      return failV2("No Bill Exist", "20002");
    case "creating":
      return failV2("Bill Creating", "20003");
    case "refused":
      return failV2("SIGN ERROR", "20001");
    case "away":
      return new Response("oops", { status: 502 });
  }
}

function failV2(message: string, code: string): Response {
  return new Response(xmlOf({ return_code: "FAIL", return_msg: message, error_code: code }));
}

function respondV3(response: BillResponse): Response {
  switch (response.kind) {
    case "bill": {
      const text = JSON.stringify({
        hash_type: "SHA1",
        hash_value: response.sha1 ?? createHash("sha1").update(response.text).digest("hex"),
        download_url: `${env.WECHAT_PAY_URL}${FILE}`,
      });
      return new Response(text, { headers: signedHeaders(text) });
    }
    case "empty":
      return failV3(400, "NO_STATEMENT_EXIST");
    case "creating":
      return failV3(400, "STATEMENT_CREATING");
    case "refused":
      return failV3(403, "NO_AUTH");
    case "away":
      return failV3(502, "SYSTEM_ERROR");
  }
}

function failV3(status: number, code: string): Response {
  return Response.json({ code, message: code }, { status });
}

function billResponse({
  text,
  plain = false,
  breaksAt,
}: Extract<BillResponse, { kind: "bill" }>): Response {
  const bytes = plain ? new TextEncoder().encode(text) : new Uint8Array(gzipSync(text));
  if (breaksAt === undefined) return new Response(bytes);
  return new Response(
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, breaksAt));
      },
      pull(controller) {
        controller.error(new Error("Network connection lost."));
      },
    }),
  );
}

/** A line of a test's bill; amounts in fen. */
export type Trade = {
  readonly number: string;
  readonly transactionId: string;
  /** Left out by default, as in bills without appids. */
  readonly wechatAppId?: string;
} & (
  | { readonly fen: number; readonly state?: "SUCCESS" | "REVOKED" }
  | {
      readonly refundNo: string;
      readonly refundFen: number;
      readonly status: "SUCCESS" | "PROCESSING" | "FAIL" | "CHANGE";
    }
);

const yuan = (fen: number): string => (fen / 100).toFixed(2);

/** The bill of these trades, with WeChat's current columns. */
export function billOf({ mchId }: Shop, trades: readonly Trade[]): string {
  const lines = trades.map((trade) => {
    const named = {
      公众账号ID: trade.wechatAppId ?? "",
      商户号: mchId,
      微信订单号: trade.transactionId,
      商户订单号: trade.number,
    };
    return "fen" in trade
      ? lineOf(NAMES.all, {
          ...named,
          用户标识: "oOpenIdInTheBill",
          交易状态: trade.state ?? "SUCCESS",
          订单金额: yuan(trade.fen),
        })
      : lineOf(NAMES.all, {
          ...named,
          交易状态: "REFUND",
          微信退款单号: `50${trade.refundNo}`,
          商户退款单号: trade.refundNo,
          申请退款金额: yuan(trade.refundFen),
          退款状态: trade.status,
        });
  });
  const sum = (fenOf: (trade: Trade) => number) =>
    yuan(trades.reduce((all, trade) => all + fenOf(trade), 0));
  const paid = sum((trade) => ("fen" in trade ? trade.fen : 0));
  const refunded = sum((trade) => ("fen" in trade ? 0 : trade.refundFen));
  const summary = [`${trades.length}.0`, paid, refunded, "0.00", "0.00", paid, refunded];
  return [NAMES.all, ...lines, SUMMARY, valuesLine(summary), ""].join("\r\n");
}

/** Starts a day and runs all its steps; returns their number. */
export async function runDay(shop: Shop, day = DAY): Promise<number> {
  if ((await startDay(shop, day)) === "unavailable") throw new Error("the day couldn't be started");
  return await runSteps(shop, day);
}

/** Starts a day. */
export async function startDay({ merchantId }: Shop, day = DAY): Promise<Started> {
  return await reconciliationObject(env, { merchantId, day }).start(merchantId, day);
}

/** Runs all steps of a started day; returns their number. */
export async function runSteps(
  { merchantId }: Pick<Shop, "merchantId">,
  day = DAY,
): Promise<number> {
  let steps = 0;
  while (await runStep({ merchantId }, day)) {
    steps += 1;
    if (steps > 100) throw new Error("the day doesn't end");
  }
  return steps;
}

/** Runs the next step of a day; false when there is none. */
export async function runStep(
  { merchantId }: Pick<Shop, "merchantId">,
  day = DAY,
): Promise<boolean> {
  return await runDurableObjectAlarm(reconciliationObject(env, { merchantId, day }));
}

/** The day's row. */
export async function reconciliationOf(
  { merchantId }: Shop,
  day = DAY,
): Promise<ReconciliationRow> {
  const row = await findReconciliationOf(connect(env.DB), { merchantId, day });
  if (row === null) throw new Error("the day was never started");
  return row;
}

/** The merchant's incidents, oldest first. */
export async function incidentsOf({ merchantId }: Shop): Promise<IncidentRow[]> {
  return await connect(env.DB)
    .select()
    .from(incidents)
    // Not those about its credentials, which a refused call opens by itself.
    .where(and(eq(incidents.merchantId, merchantId), notLike(incidents.kind, "merchant_%")))
    .orderBy(incidents.id);
}

/** The names of the tables and keys in the day's object: none once the day has ended. */
export async function storedNames({ merchantId }: Shop, day = DAY): Promise<string[]> {
  const stub = reconciliationObject(env, { merchantId, day });
  return await runInDurableObject(stub, (_object, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("select name from sqlite_master where name not like '_cf_%'")
      .toArray();
    return [...tables.map(({ name }) => name), ...[...storage.kv.list()].map(([key]) => key)];
  });
}

/** Far beyond the clock of any test, in ms. */
const FAR_MS = 1e15;

/**
 * Hides all other merchants from the schedule by moving their registration far into the future,
 * because the tests share one database. `showAll` undoes it.
 */
export async function showOnly(...shops: readonly Pick<Shop, "merchantId">[]): Promise<void> {
  const ids = JSON.stringify(shops.map(({ merchantId }) => merchantId));
  await env.DB.prepare(
    `update merchants set created_at = created_at + ${FAR_MS}
     where created_at < ${FAR_MS} and id not in (select value from json_each(?))`,
  )
    .bind(ids)
    .run();
}

export async function showAll(): Promise<void> {
  await env.DB.prepare(
    `update merchants set created_at = created_at - ${FAR_MS} where created_at >= ${FAR_MS}`,
  ).run();
}
