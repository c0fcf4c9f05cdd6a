import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { says } from "../support/fake-app.ts";
import { error, UNKNOWN } from "../support/faults.ts";
import { ask, send } from "../support/gateway.ts";
import { makeOrder, makePaidOrder, ORDER, refund, runNext } from "../support/life.ts";
import { linesOf } from "../support/lines.ts";
import { watchMetrics } from "../support/metrics.ts";
import { closeWorld, openWorld } from "../support/world.ts";

afterEach(closeWorld);

test("a request is counted by its route, its code and its app, with what it cost", async () => {
  const world = await openWorld();
  await makeOrder(world);
  const counted = watchMetrics();
  await ask(world.shop, "/pay/create-order", ORDER);
  const app = String(world.shop.appId);
  const request = { index: "request", kind: "request", code: "" };
  expect(counted).toContainEqual({
    ...request,
    subject: "/pay/create-order",
    outcome: "0",
    app,
    doubles: [0, 1, 0, 0],
  });
});

test("requests are counted under a short list of routes, whatever their paths hold", async () => {
  await openWorld();
  const counted = watchMetrics();
  const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
  await send("/admin/orders/123456", { headers });
  await send("/notify/v2/987/pay", { method: "POST" });
  await send("/nowhere/at/all");
  expect(counted.filter(({ kind }) => kind === "request")).toMatchObject([
    { subject: "/admin/*", outcome: "404", app: "" },
    { subject: "/notify/v2/:merchantId/pay", outcome: "1" },
    { subject: "/*", outcome: "404" },
  ]);
});

test("calls to WeChat are counted by their outcome and WeChat's code", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  const counted = watchMetrics();
  world.wechat.fail("/pay/unifiedorder", error("NOAUTH"));
  await ask(world.shop, "/pay/create-order", ORDER);
  world.wechat.fail("/secapi/pay/refund", UNKNOWN);
  await refund(world, made);
  expect(counted.filter(({ kind }) => kind === "wechat_call")).toMatchObject([
    { subject: "prepay", outcome: "refused", code: "NOAUTH" },
    { subject: "refund", outcome: "unknown", code: "" },
  ]);
});

test("calls to apps are counted by their outcome, and the object's work by its operation", async () => {
  const world = await openWorld();
  const made = await makePaidOrder(world);
  const counted = watchMetrics();
  world.app.reply(says("no"));
  await runNext(made, "deliver-payment");
  await runNext(made, "deliver-payment");
  const app = String(world.shop.appId);
  expect(counted).toMatchObject([
    { kind: "app_call", subject: "pay", outcome: "not confirmed", app },
    { kind: "app_call", subject: "pay", outcome: "confirmed", app },
  ]);
});

test("what can't be counted is logged, and the request goes on", async () => {
  const { shop, logged } = await openWorld();
  vi.spyOn(env.METRICS, "writeDataPoint").mockImplementation(() => {
    throw new Error("too many data points");
  });
  expect((await ask(shop, "/pay/create-order", ORDER)).code).toBe(0);
  expect(linesOf(logged, { event: "metric_not_written" })).toMatchObject([
    { level: "warn", kind: "wechat_call", error: "Error: too many data points" },
    { kind: "request" },
  ]);
});
