import { Hono, type Context } from "hono";
import { books } from "../books-stub.ts";
import type { Outcome } from "../ledger/books.ts";
import { readInput } from "./input.ts";
import { merchantRoutes } from "./merchant-routes.ts";
import { sameOrigin } from "./origin.ts";
import * as schemas from "./schemas.ts";

/** The control API: what the payer and WeChat do, for tests and for the page. JSON throughout. */
export const control = new Hono<{ Bindings: Env }>();

control.use(sameOrigin());

control.get("/state", async (c) => c.json(await books(c.env).state()));

control.get("/orders/:outTradeNo", async (c) => {
  const outTradeNo = c.req.param("outTradeNo");
  const order = await books(c.env).order(outTradeNo);
  return order === undefined ? c.json({ error: `no order ${outTradeNo}` }, 404) : c.json(order);
});

control.post("/orders/:outTradeNo/pay", async (c) => {
  const input = await readInput(c, schemas.payment);
  if (!input.ok) return input.response;
  const outTradeNo = c.req.param("outTradeNo");
  return await orderAfter(c, outTradeNo, books(c.env).pay(outTradeNo, input.value));
});

control.post("/orders/:outTradeNo/fail", async (c) => {
  const input = await readInput(c, schemas.nothing);
  if (!input.ok) return input.response;
  const outTradeNo = c.req.param("outTradeNo");
  return await orderAfter(c, outTradeNo, books(c.env).failToPay(outTradeNo));
});

control.post("/orders/:outTradeNo/close", async (c) => {
  const input = await readInput(c, schemas.nothing);
  if (!input.ok) return input.response;
  const outTradeNo = c.req.param("outTradeNo");
  return await orderAfter(c, outTradeNo, books(c.env).closeByWeChat(outTradeNo));
});

control.post("/orders/:outTradeNo/notify", async (c) => {
  const input = await readInput(c, schemas.nothing);
  if (!input.ok) return input.response;
  const outTradeNo = c.req.param("outTradeNo");
  return await orderAfter(c, outTradeNo, books(c.env).notifyPaymentAgain(outTradeNo));
});

control.post("/orders/:outTradeNo/platform-refund", async (c) => {
  const input = await readInput(c, schemas.platformRefund);
  if (!input.ok) return input.response;
  const outTradeNo = c.req.param("outTradeNo");
  const outcome = await books(c.env).refundInPlatform(outTradeNo, input.value);
  return outcome.ok
    ? c.json(await books(c.env).refund(outcome.value), 201)
    : c.json({ error: outcome.error }, outcome.status);
});

control.post("/refunds/:outRefundNo/outcome", async (c) => {
  const input = await readInput(c, schemas.refundOutcome);
  if (!input.ok) return input.response;
  const { status, notify = true } = input.value;
  const outRefundNo = c.req.param("outRefundNo");
  const outcome = books(c.env).decideRefund(outRefundNo, status, notify);
  return await refundAfter(c, outRefundNo, outcome);
});

control.post("/refunds/:outRefundNo/notify", async (c) => {
  const input = await readInput(c, schemas.nothing);
  if (!input.ok) return input.response;
  const outRefundNo = c.req.param("outRefundNo");
  return await refundAfter(c, outRefundNo, books(c.env).notifyRefundAgain(outRefundNo));
});

control.route("/", merchantRoutes);

control.post("/faults", async (c) => {
  const input = await readInput(c, schemas.fault);
  if (!input.ok) return input.response;
  return c.json(await books(c.env).addFault(input.value), 201);
});

control.delete("/faults", async (c) => {
  await books(c.env).clearFaults();
  return c.json({ faults: [] });
});

control.patch("/settings", async (c) => {
  const input = await readInput(c, schemas.settings);
  if (!input.ok) return input.response;
  return c.json(await books(c.env).changeSettings(input.value));
});

control.post("/reset", async (c) => {
  const input = await readInput(c, schemas.nothing);
  if (!input.ok) return input.response;
  await books(c.env).reset();
  return c.json({ ok: true });
});

control.all("*", (c) => c.json({ error: "no such path or method" }, 404));

/** The order after something happened to it, or why nothing did. */
async function orderAfter(
  c: Context<{ Bindings: Env }>,
  outTradeNo: string,
  happening: Promise<Outcome<null>>,
): Promise<Response> {
  const outcome = await happening;
  if (!outcome.ok) return c.json({ error: outcome.error }, outcome.status);
  return c.json(await books(c.env).order(outTradeNo));
}

/** The refund after something happened to it, or why nothing did. */
async function refundAfter(
  c: Context<{ Bindings: Env }>,
  outRefundNo: string,
  happening: Promise<Outcome<null>>,
): Promise<Response> {
  const outcome = await happening;
  if (!outcome.ok) return c.json({ error: outcome.error }, outcome.status);
  return c.json(await books(c.env).refund(outRefundNo));
}
