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

test("metrics of a request: route, code, app and usage", async () => {
  const scene = await openScene();
  await makeOrder(scene);
  const dataPoints = recordDataPoints();
  await postSigned(scene.shop, "/pay/create-order", ORDER);
  const app = String(scene.shop.appId);
  const request = { index: "request", kind: "request", code: "" };
  expect(dataPoints).toContainEqual({
    ...request,
    subject: "/pay/create-order",
    outcome: "0",
    app,
    doubles: [0, 1, 0, 0],
  });
});

test("metrics of requests use a closed list of routes, whatever the path", async () => {
  await openScene();
  const dataPoints = recordDataPoints();
  const headers = { authorization: `Bearer ${env.ADMIN_TOKEN}` };
  await send("/admin/orders/123456", { headers });
  await send("/notify/v2/987/pay", { method: "POST" });
  await send("/nowhere/at/all");
  expect(dataPoints.filter(({ kind }) => kind === "request")).toMatchObject([
    { subject: "/admin/*", outcome: "404", app: "" },
    { subject: "/notify/v2/:merchantId/pay", outcome: "1" },
    { subject: "/*", outcome: "404" },
  ]);
});

test("metrics of calls to WeChat: outcome and WeChat's code", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  const dataPoints = recordDataPoints();
  scene.wechat.fail("/pay/unifiedorder", wechatError("NOAUTH"));
  await postSigned(scene.shop, "/pay/create-order", ORDER);
  scene.wechat.fail("/secapi/pay/refund", UNKNOWN);
  await requestRefund(scene, order);
  expect(dataPoints.filter(({ kind }) => kind === "wechat_call")).toMatchObject([
    { subject: "prepay", outcome: "refused", code: "NOAUTH" },
    { subject: "refund", outcome: "unknown", code: "" },
  ]);
});

test("metrics of calls to apps: event, outcome and app", async () => {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  const dataPoints = recordDataPoints();
  scene.app.respondWith(appResponse("no"));
  await runNextTimer(order, "deliver-payment");
  await runNextTimer(order, "deliver-payment");
  const app = String(scene.shop.appId);
  expect(dataPoints).toMatchObject([
    { kind: "app_call", subject: "pay", outcome: "not confirmed", app },
    { kind: "app_call", subject: "pay", outcome: "confirmed", app },
  ]);
});

test("metrics that can't be written are logged and don't fail the request", async () => {
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
