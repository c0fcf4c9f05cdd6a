import { Hono, type Context } from "hono";
import { listRefunds } from "../db/order-list.ts";
import { findOrderById } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { orderObject } from "../orders/stub.ts";
import { conflict, notFound, refuse } from "./errors.ts";
import { readBody } from "./body.ts";
import { getOrders } from "./order-list.ts";
import { operatorRefund, redelivery } from "./order-schema.ts";
import { BY_ID } from "./paths.ts";

const ABSENT = notFound("There is no order with this id.");
const UNAVAILABLE = {
  code: "internal",
  message: "The order can't be read now; see the log. Repeating is safe.",
  fields: [],
} as const;

/** `/admin/orders`: orders as stored (amounts in fen, times in Unix ms), without openIds. */
export const orderRoutes = new Hono<GatewayEnv>();

orderRoutes.get("/", getOrders);

orderRoutes.get(BY_ID, async (c) => {
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  return c.json({ ...order, refunds: await listRefunds(c.get("work").db, order.id) });
});

orderRoutes.get(`${BY_ID}/timeline`, async (c) => {
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  const { entries, timers } = await orderObject(c.env, order.number).history();
  return c.json({ items: entries, timers });
});

orderRoutes.post(`${BY_ID}/redeliver`, async (c) => {
  const body = await readBody(c.req.raw, redelivery);
  if (!body.ok) return refuse(c, body.error);
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  const { event, refundNo = null } = body.value;
  const requestId = c.get("requestId");
  const outcome = await orderObject(c.env, order.number).redeliver(event, refundNo, 0, requestId);
  switch (outcome) {
    case "armed":
      break;
    case "nothing to deliver":
      return refuse(c, conflict(`This order has no ${event} outcome to deliver to its app.`));
    case "no such refund":
      return refuse(c, notFound("This order has no refund with this number."));
    case "unavailable":
      return refuse(c, UNAVAILABLE);
  }
  log("info", "redelivery", {
    requestId,
    order: order.number,
    eventName: event,
    refundNo,
  });
  return c.json({ ok: true }, 202);
});

orderRoutes.post(`${BY_ID}/sync`, async (c) => {
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  const outcome = await orderObject(c.env, order.number).sync(c.get("requestId"));
  return await respondWithOrder(c, { outcome });
});

orderRoutes.post(`${BY_ID}/close`, async (c) => {
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  const requestId = c.get("requestId");
  const outcome = await orderObject(c.env, order.number).withdraw("operator", requestId);
  log("info", "order_withdrawn", { requestId, order: order.number, outcome: outcome.kind });
  switch (outcome.kind) {
    case "ended":
      return await respondWithOrder(c, { closeIn: null });
    case "pending":
      return await respondWithOrder(c, { closeIn: outcome.closeInSeconds });
    case "absent":
      return refuse(c, ABSENT);
    case "refused":
      return refuse(
        c,
        conflict(`WeChat refused to close the order (${outcome.reason}). The gateway tries again.`),
      );
    case "unknown":
      return refuse(
        c,
        conflict("WeChat gave no usable answer. The gateway goes on; repeating is safe."),
      );
    case "unavailable":
      return refuse(c, UNAVAILABLE);
  }
});

orderRoutes.post(`${BY_ID}/refund`, async (c) => {
  const body = await readBody(c.req.raw, operatorRefund);
  if (!body.ok) return refuse(c, body.error);
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  const { refundFen = null, appRefundNo = null, refundReason = null } = body.value;
  const requestId = c.get("requestId");
  // Without the app's restrictions: they bound what whoever holds its salt can do.
  const refund = await orderObject(c.env, order.number).requestRefund(
    order.appId,
    { refundFen, appRefundNo, refundReason },
    requestId,
  );
  log("info", "operator_refund", { requestId, order: order.number, accepted: refund.ok });
  if (!refund.ok) {
    const { reason, detail } = refund.error;
    if (reason === "internal-error") return refuse(c, UNAVAILABLE);
    return refuse(c, conflict(detail));
  }
  return await respondWithOrder(c, { refundNo: refund.value.refundNo });
});

/** 200 with these facts and the order as it is now. */
async function respondWithOrder(
  c: Context<GatewayEnv>,
  facts: Readonly<Record<string, string | number | null>>,
): Promise<Response> {
  const order = await orderOf(c);
  if (order === null) return refuse(c, ABSENT);
  return c.json({
    ...facts,
    order: { ...order, refunds: await listRefunds(c.get("work").db, order.id) },
  });
}

async function orderOf(c: Context<GatewayEnv>): Promise<OrderRow | null> {
  return await findOrderById(c.get("work").db, Number(c.req.param("id")));
}
