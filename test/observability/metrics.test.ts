import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { appResponse } from "../support/app-receiver.ts";
import { wechatError, UNKNOWN } from "../support/faults.ts";
import { postSigned, send } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  ORDER,
  requestRefund,
  runNextTimer,
} from "../support/scenario.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

test("a request is counted by its route, its code and its app, with what it cost", async () => {
  const scene = await openScene();
  await makeOrder(scene);
  const counted = recordDataPoints();
  await postSigned(scene.shop, "/pay/create-order", ORDER);
  const app = String(scene.shop.appId);
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
  await openScene();
  const counted = recordDataPoints();
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
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  const counted = recordDataPoints();
  scene.wechat.fail("/pay/unifiedorder", wechatError("NOAUTH"));
  await postSigned(scene.shop, "/pay/create-order", ORDER);
  scene.wechat.fail("/secapi/pay/refund", UNKNOWN);
  await requestRefund(scene, order);
  expect(counted.filter(({ kind }) => kind === "wechat_call")).toMatchObject([
    { subject: "prepay", outcome: "refused", code: "NOAUTH" },
    { subject: "refund", outcome: "unknown", code: "" },
  ]);
});

test("calls to apps are counted by their outcome, and the object's work by its operation", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  const counted = recordDataPoints();
  scene.app.respondWith(appResponse("no"));
  await runNextTimer(order, "deliver-payment");
  await runNextTimer(order, "deliver-payment");
  const app = String(scene.shop.appId);
  expect(counted).toMatchObject([
    { kind: "app_call", subject: "pay", outcome: "not confirmed", app },
    { kind: "app_call", subject: "pay", outcome: "confirmed", app },
  ]);
});

test("what can't be counted is logged, and the request goes on", async () => {
  const { shop, logged } = await openScene();
  vi.spyOn(env.METRICS, "writeDataPoint").mockImplementation(() => {
    throw new Error("too many data points");
  });
  expect((await postSigned(shop, "/pay/create-order", ORDER)).code).toBe(0);
  expect(logLinesWith(logged, { event: "metric_not_written" })).toMatchObject([
    { level: "warn", kind: "wechat_call", error: "Error: too many data points" },
    { kind: "request" },
  ]);
});
