import { afterEach, describe, expect, test, vi } from "vitest";
import { appResponse, unreachable } from "../support/app-receiver.ts";
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
import { paymentNotificationRequest, payPath } from "../support/notifications.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

describe("log line request", () => {
  test("has the request's usage up to its response", async () => {
    const scene = await openScene();
    await makeOrder(scene);
    const { requestId } = await postSigned(scene.shop, "/pay/create-order", ORDER);
    expect(logLinesWith(scene.logged, { event: "request", requestId })).toMatchObject([
      { d1Trips: 1, d1Ms: 0, wechatCalls: 1, wechatMs: 0 },
    ]);
  });

  test("has the time spent in calls to WeChat", async () => {
    const scene = await openScene();
    const { wechat, shop, logged } = scene;
    const slow = new Promise<void>((resolve) => {
      setTimeout(() => {
        vi.setSystemTime(Date.now() + 900);
        resolve();
      }, 5);
    });
    wechat.fail("/pay/unifiedorder", { acts: true, how: "honest", gate: slow });
    const { requestId } = await postSigned(shop, "/pay/create-order", ORDER);
    expect(logLinesWith(logged, { event: "request", requestId })).toMatchObject([
      { wechatMs: 900 },
    ]);
    expect(logLinesWith(logged, { event: "wechat_call", requestId })).toMatchObject([
      { tookMs: 900 },
    ]);
  });
});

describe("log line wechat_call", () => {
  test("has the call's outcome and the request's id", async () => {
    const { wechat, shop, logged } = await openScene();
    wechat.fail("/pay/unifiedorder", wechatError("NOAUTH"));
    const { requestId } = await postSigned(shop, "/pay/create-order", ORDER);
    expect(logLinesWith(logged, { event: "wechat_call", requestId })).toMatchObject([
      { level: "warn", api: "prepay", outcome: "refused", code: "NOAUTH" },
    ]);
  });

  test("has the reason of an unknown outcome with the openId masked", async () => {
    const { wechat, shop, logged } = await openScene();
    const openId = "oPayerWhomWechatNames-000001";
    const fault = wechatError("SYSTEMERROR", `busy with ${openId}${"!".repeat(500)}`);
    wechat.fail("/pay/unifiedorder", fault, fault);
    await postSigned(shop, "/pay/create-order", { ...ORDER, openId });
    const [line, ...more] = logLinesWith(logged, { event: "wechat_call" });
    expect(more).toEqual([]);
    expect(line).toMatchObject({ level: "warn", outcome: "unknown" });
    const reason = String(line?.["reason"]);
    expect(reason).toContain("SYSTEMERROR: busy with oPay***01");
    expect(reason.length).toBeLessThanOrEqual(200);
    expect(logged.join()).not.toContain(openId);
  });

  test("of an order's object has the id of the request that caused it", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN);
    const { requestId } = await requestRefund(scene, order);
    expect(logLinesWith(scene.logged, { event: "wechat_call", api: "refund" })).toMatchObject([
      { requestId, order: order.number, outcome: "unknown", refundNo: expect.any(String) },
    ]);
  });
});

describe("log line order_operation", () => {
  test("has the operation's usage and the request's id", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    const init = await paymentNotificationRequest(scene.shop, order.number, paid);
    const response = await send(payPath(scene.shop), init);
    const requestId = response.headers.get("x-request-id");
    expect(logLinesWith(scene.logged, { event: "order_operation", requestId })).toMatchObject([
      { operation: "record-payment", order: order.number, outcome: "recorded", d1Trips: 1 },
    ]);
    // The object's trips aren't counted for the request.
    expect(logLinesWith(scene.logged, { event: "request", requestId })).toMatchObject([
      { d1Trips: 1 },
    ]);
  });

  test("distinguishes a refusal from a success", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await requestRefund(scene, order);
    scene.wechat.pay(order.number);
    await requestRefund(scene, order);
    const lines = logLinesWith(scene.logged, {
      event: "order_operation",
      operation: "request-refund",
    });
    expect(lines.map((line) => line["outcome"])).toEqual(["refused 501", "ok"]);
  });

  test("is written once per alarm, with its timers", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runNextTimer(order, "deliver-payment");
    const [line, ...more] = logLinesWith(scene.logged, {
      event: "order_operation",
      operation: "alarm",
    });
    expect(more).toEqual([]);
    expect(line).toMatchObject({ order: order.number, timers: "deliver-payment", outcome: "done" });
    expect(line?.["d1Trips"]).toBeGreaterThan(1);
    expect(line).not.toHaveProperty("requestId");
  });
});

describe("log line app_call", () => {
  test.for([
    ["confirmed", 200, appResponse("success")],
    ["not confirmed", 500, appResponse("success", { status: 500 })],
    ["no answer", null, unreachable],
  ] as const)("has the outcome: %s", async ([outcome, status, response]) => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(response);
    await runNextTimer(order, "deliver-payment");
    expect(logLinesWith(scene.logged, { event: "app_call" })).toMatchObject([
      {
        level: outcome === "confirmed" ? "info" : "warn",
        app: scene.shop.appId,
        order: order.number,
        eventId: `pay_${order.number}`,
        outcome,
        status,
      },
    ]);
  });
});
