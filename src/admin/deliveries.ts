import { Hono, type Context } from "hono";
import type { Database } from "../db/database.ts";
import {
  failingCloses,
  failingPayments,
  failingRefunds,
  type FailingDelivery,
  type FailingCursor,
} from "../db/failing-deliveries.ts";
import { DELIVERY_EVENTS, type DeliveryEvent } from "../domain/states.ts";
import type { GatewayEnv } from "../env.ts";
import { mapInBatches } from "../lib/batches.ts";
import { describe, log } from "../observability/log.ts";
import { orderObject } from "../orders/stub.ts";
import { refuse } from "./errors.ts";
import { readBody } from "./body.ts";
import { bulkRedelivery, type BulkRedelivery } from "./delivery-schema.ts";

/** Deliveries restarted by one request; the caller continues with the cursor. */
const MAX_REDELIVERIES = 200;
/** Objects called in parallel. */
const CONCURRENCY = 20;
/** First calls are due within this time per delivery, in ms: an app that just recovered must not be flooded. */
const SPREAD_MS = 300;

/** `/admin/deliveries`: redelivery to apps for many orders at once. */
export const deliveryRoutes = new Hono<GatewayEnv>();

deliveryRoutes.post("/redeliver", async (c) => {
  const body = await readBody(c.req.raw, bulkRedelivery);
  if (!body.ok) return refuse(c, body.error);
  const { found, nextCursor } = await nextFailing(c.get("work").db, body.value);
  const outcomes = await mapInBatches(found, CONCURRENCY, async (delivery) => {
    return await redeliver(c, delivery, Math.floor(Math.random() * found.length * SPREAD_MS));
  });
  const redelivered = outcomes.filter((outcome) => outcome === "armed").length;
  const failed = outcomes.filter((outcome) => outcome === "unavailable").length;
  log("info", "bulk_redelivery", { requestId: c.get("requestId"), redelivered, failed });
  return c.json({ redelivered, failed, nextCursor }, 202);
});

const LISTS = { pay: failingPayments, refund: failingRefunds, close: failingCloses } as const;

/** The next failing deliveries, one kind of event after the other, up to the limit of one request. */
async function nextFailing(
  db: Database,
  { event, cursor, ...filter }: BulkRedelivery,
): Promise<{ readonly found: readonly FailingDelivery[]; readonly nextCursor: string | null }> {
  const found: FailingDelivery[] = [];
  const first = event ?? cursor?.event ?? "pay";
  const events =
    event === undefined ? DELIVERY_EVENTS.slice(DELIVERY_EVENTS.indexOf(first)) : [event];
  let after: FailingCursor = cursor?.after ?? null;
  for (const name of events) {
    const room = MAX_REDELIVERIES - found.length;
    const page = await LISTS[name](db, filter, after, room + 1);
    after = null;
    found.push(...page.slice(0, room));
    const last = page[room - 1];
    if (page.length > room) {
      // Without any room, the next request starts this list at its beginning.
      const position = last ?? { lastCallAt: 999_999_999_999_999, id: 0 };
      return { found, nextCursor: formatCursor(name, position) };
    }
  }
  return { found, nextCursor: null };
}

function formatCursor(event: DeliveryEvent, position: NonNullable<FailingCursor>): string {
  return `${event}.${position.lastCallAt}.${position.id}`;
}

async function redeliver(
  c: Context<GatewayEnv>,
  { event, orderNumber, refundNo }: FailingDelivery,
  delayMs: number,
) {
  const requestId = c.get("requestId");
  try {
    return await orderObject(c.env, orderNumber).redeliver(event, refundNo, delayMs, requestId);
  } catch (error) {
    log("error", "order_unreachable", { requestId, order: orderNumber, error: describe(error) });
    return "unavailable";
  }
}
