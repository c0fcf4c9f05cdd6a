import { Hono, type Context } from "hono";
import type { Database } from "../db/database.ts";
import {
  failingPayments,
  failingRefunds,
  type FailingDelivery,
  type FailingPlace,
} from "../db/failing-deliveries.ts";
import type { GatewayEnv } from "../env.ts";
import { mapInBatches } from "../lib/batches.ts";
import { describe, log } from "../observability/log.ts";
import { orderObject } from "../orders/stub.ts";
import { refuse } from "./errors.ts";
import { readBody } from "./body.ts";
import { bulkRedelivery, type BulkRedelivery } from "./delivery-schema.ts";

/** Deliveries that one request begins anew; the caller goes on with the cursor. */
const MAX_REDELIVERIES = 200;
/** Objects that are called side by side. */
const CONCURRENCY = 20;
/** The first calls are spread over so much time each, in ms: an app that has just come up must not drown. */
const SPREAD_MS = 300;

/** `/admin/deliveries`: calls to apps, many orders at once. */
export const deliveryRoutes = new Hono<GatewayEnv>();

deliveryRoutes.post("/redeliver", async (c) => {
  const body = await readBody(c.req.raw, bulkRedelivery);
  if (!body.ok) return refuse(c, body.error);
  const { found, nextCursor } = await nextFailing(c.get("work").db, body.value);
  const outcomes = await mapInBatches(found, CONCURRENCY, async (one) => {
    return await redeliver(c, one, Math.floor(Math.random() * found.length * SPREAD_MS));
  });
  const redelivered = outcomes.filter((outcome) => outcome === "armed").length;
  const failed = outcomes.filter((outcome) => outcome === "unavailable").length;
  log("info", "bulk_redelivery", { requestId: c.get("requestId"), redelivered, failed });
  return c.json({ redelivered, failed, nextCursor }, 202);
});

const LISTS = { pay: failingPayments, refund: failingRefunds } as const;

/** The payments' deliveries first, then the refunds', as many as one request may begin anew. */
async function nextFailing(
  db: Database,
  { event, cursor, ...filter }: BulkRedelivery,
): Promise<{ readonly found: readonly FailingDelivery[]; readonly nextCursor: string | null }> {
  const found: FailingDelivery[] = [];
  const begin = event ?? cursor?.event ?? "pay";
  const events = event === undefined && begin === "pay" ? (["pay", "refund"] as const) : [begin];
  let after: FailingPlace = cursor?.after ?? null;
  for (const name of events) {
    const room = MAX_REDELIVERIES - found.length;
    const page = await LISTS[name](db, filter, after, room + 1);
    after = null;
    found.push(...page.slice(0, room));
    const last = page[room - 1];
    if (page.length > room) {
      // With no room at all, the next request begins this list.
      const place = last ?? { lastCallAt: 999_999_999_999_999, id: 0 };
      return { found, nextCursor: cursorOf(name, place) };
    }
  }
  return { found, nextCursor: null };
}

function cursorOf(event: "pay" | "refund", place: NonNullable<FailingPlace>): string {
  return `${event}.${place.lastCallAt}.${place.id}`;
}

async function redeliver(
  c: Context<GatewayEnv>,
  { orderNumber, refundNo }: FailingDelivery,
  delayMs: number,
) {
  const requestId = c.get("requestId");
  const event = refundNo === null ? "pay" : "refund";
  try {
    return await orderObject(c.env, orderNumber).redeliver(event, refundNo, delayMs, requestId);
  } catch (error) {
    log("error", "order_unreachable", { requestId, order: orderNumber, error: describe(error) });
    return "unavailable";
  }
}
