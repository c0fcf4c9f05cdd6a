import { Hono, type Context, type MiddlewareHandler } from "hono";
import type { ControlResult } from "../ledger/control-result.ts";
import { ledgerStub } from "../ledger-stub.ts";
import { readInput } from "./input.ts";
import { merchantRoutes } from "./merchant-routes.ts";
import * as schemas from "./schemas.ts";

/** The control API: acts as the payer and as WeChat, for tests and for the page. JSON throughout. */
export const control = new Hono<{ Bindings: Env }>();

control.use(sameOrigin());

control.get("/state", async (c) => c.json(await ledgerStub(c.env).state()));

control.get("/orders/:outTradeNo", async (c) => {
  const outTradeNo = c.req.param("outTradeNo");
  const order = await ledgerStub(c.env).order(outTradeNo);
  return order === null ? c.json({ error: `no order ${outTradeNo}` }, 404) : c.json(order);
});

control.post("/orders/:outTradeNo/pay", async (c) => {
  const input = await readInput(c, schemas.payment);
  if (!input.ok) return input.error;
  const outTradeNo = c.req.param("outTradeNo");
  return await respondOrder(c, outTradeNo, ledgerStub(c.env).pay(outTradeNo, input.value));
});

control.post("/orders/:outTradeNo/fail", async (c) => {
  const input = await readInput(c, schemas.empty);
  if (!input.ok) return input.error;
  const outTradeNo = c.req.param("outTradeNo");
  return await respondOrder(c, outTradeNo, ledgerStub(c.env).failPayment(outTradeNo));
});

control.post("/orders/:outTradeNo/close", async (c) => {
  const input = await readInput(c, schemas.empty);
  if (!input.ok) return input.error;
  const outTradeNo = c.req.param("outTradeNo");
  return await respondOrder(c, outTradeNo, ledgerStub(c.env).closeByWeChat(outTradeNo));
});

control.post("/orders/:outTradeNo/notify", async (c) => {
  const input = await readInput(c, schemas.empty);
  if (!input.ok) return input.error;
  const outTradeNo = c.req.param("outTradeNo");
  return await respondOrder(c, outTradeNo, ledgerStub(c.env).notifyPaymentAgain(outTradeNo));
});

control.post("/orders/:outTradeNo/platform-refund", async (c) => {
  const input = await readInput(c, schemas.platformRefund);
  if (!input.ok) return input.error;
  const outTradeNo = c.req.param("outTradeNo");
  const outcome = await ledgerStub(c.env).refundInPlatform(outTradeNo, input.value);
  return outcome.ok
    ? c.json(await ledgerStub(c.env).refund(outcome.value), 201)
    : c.json({ error: outcome.error.message }, outcome.error.status);
});

control.post("/refunds/:outRefundNo/outcome", async (c) => {
  const input = await readInput(c, schemas.refundOutcome);
  if (!input.ok) return input.error;
  const { status, notify = true } = input.value;
  const outRefundNo = c.req.param("outRefundNo");
  const outcome = ledgerStub(c.env).decideRefund(outRefundNo, status, notify);
  return await respondRefund(c, outRefundNo, outcome);
});

control.post("/refunds/:outRefundNo/notify", async (c) => {
  const input = await readInput(c, schemas.empty);
  if (!input.ok) return input.error;
  const outRefundNo = c.req.param("outRefundNo");
  return await respondRefund(c, outRefundNo, ledgerStub(c.env).notifyRefundAgain(outRefundNo));
});

control.route("/", merchantRoutes);

control.post("/faults", async (c) => {
  const input = await readInput(c, schemas.fault);
  if (!input.ok) return input.error;
  return c.json(await ledgerStub(c.env).addFault(input.value), 201);
});

control.delete("/faults", async (c) => {
  await ledgerStub(c.env).clearFaults();
  return c.json({ faults: [] });
});

control.patch("/settings", async (c) => {
  const input = await readInput(c, schemas.settings);
  if (!input.ok) return input.error;
  return c.json(await ledgerStub(c.env).changeSettings(input.value));
});

control.post("/reset", async (c) => {
  const input = await readInput(c, schemas.empty);
  if (!input.ok) return input.error;
  await ledgerStub(c.env).reset();
  return c.json({ ok: true });
});

control.all("*", (c) => c.json({ error: "no such path or method" }, 404));

/** Responds with the order after a change, or with the reason for its refusal. */
async function respondOrder(
  c: Context<{ Bindings: Env }>,
  outTradeNo: string,
  change: Promise<ControlResult<null>>,
): Promise<Response> {
  const outcome = await change;
  if (!outcome.ok) return c.json({ error: outcome.error.message }, outcome.error.status);
  return c.json(await ledgerStub(c.env).order(outTradeNo));
}

/** Responds with the refund after a change, or with the reason for its refusal. */
async function respondRefund(
  c: Context<{ Bindings: Env }>,
  outRefundNo: string,
  change: Promise<ControlResult<null>>,
): Promise<Response> {
  const outcome = await change;
  if (!outcome.ok) return c.json({ error: outcome.error.message }, outcome.error.status);
  return c.json(await ledgerStub(c.env).refund(outRefundNo));
}

/**
 * Refuses changes that another site's page requests (CSRF): every page in the developer's browser can
 * reach a sandbox on the same machine. Tools send no Origin and pass.
 */
function sameOrigin(): MiddlewareHandler {
  return async function sameOriginOnly(c, next) {
    const origin = c.req.header("origin");
    const safe = c.req.method === "GET" || c.req.method === "HEAD";
    if (!safe && origin !== undefined && hostOf(origin) !== new URL(c.req.url).host) {
      return c.json({ error: "requests of other sites are refused" }, 403);
    }
    return await next();
  };
}

/** The host of an Origin; null for `null` and other opaque ones. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
