import { afterEach, describe, expect, test, vi } from "vitest";
import { says, unreachable } from "../support/fake-app.ts";
import { error, UNKNOWN } from "../support/faults.ts";
import { ask, send } from "../support/gateway.ts";
import { makeOrder, makePaidOrder, ORDER, refund, runNext } from "../support/life.ts";
import { linesOf } from "../support/lines.ts";
import { paymentRequest, payPath } from "../support/notices.ts";
import { closeWorld, openWorld } from "../support/world.ts";

afterEach(closeWorld);

describe("a request's line", () => {
  test("tells what the request has cost until its answer", async () => {
    const world = await openWorld();
    await makeOrder(world);
    const { requestId } = await ask(world.shop, "/pay/create-order", ORDER);
    expect(linesOf(world.logged, { event: "request", requestId })).toMatchObject([
      { d1Trips: 1, d1Ms: 0, wechatCalls: 1, wechatMs: 0 },
    ]);
  });

  test("tells how long WeChat took of it", async () => {
    const world = await openWorld();
    const { wechat, shop, logged } = world;
    const slow = new Promise<void>((resolve) => {
      setTimeout(() => {
        vi.setSystemTime(Date.now() + 900);
        resolve();
      }, 5);
    });
    wechat.fail("/pay/unifiedorder", { acts: true, how: "honest", gate: slow });
    const { requestId } = await ask(shop, "/pay/create-order", ORDER);
    expect(linesOf(logged, { event: "request", requestId })).toMatchObject([{ wechatMs: 900 }]);
    expect(linesOf(logged, { event: "wechat_call", requestId })).toMatchObject([{ tookMs: 900 }]);
  });
});

describe("a call to WeChat", () => {
  test("leaves a line with its outcome, under the request's id", async () => {
    const { wechat, shop, logged } = await openWorld();
    wechat.fail("/pay/unifiedorder", error("NOAUTH"));
    const { requestId } = await ask(shop, "/pay/create-order", ORDER);
    expect(linesOf(logged, { event: "wechat_call", requestId })).toMatchObject([
      { level: "warn", api: "prepay", outcome: "refused", code: "NOAUTH" },
    ]);
  });

  test("says why nothing is known, without the payer whom WeChat may name", async () => {
    const { wechat, shop, logged } = await openWorld();
    const openId = "oPayerWhomWechatNames-000001";
    const spoken = error("SYSTEMERROR", `busy with ${openId}${"!".repeat(500)}`);
    wechat.fail("/pay/unifiedorder", spoken, spoken);
    await ask(shop, "/pay/create-order", { ...ORDER, openId });
    const [line, ...more] = linesOf(logged, { event: "wechat_call" });
    expect(more).toEqual([]);
    expect(line).toMatchObject({ level: "warn", outcome: "unknown" });
    const reason = String(line?.["reason"]);
    expect(reason).toContain("SYSTEMERROR: busy with oPay***01");
    expect(reason.length).toBeLessThanOrEqual(200);
    expect(logged.join()).not.toContain(openId);
  });

  test("of an order's object has the id of the request that it is made for", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.wechat.fail("/secapi/pay/refund", UNKNOWN);
    const { requestId } = await refund(world, made);
    expect(linesOf(world.logged, { event: "wechat_call", api: "refund" })).toMatchObject([
      { requestId, order: made.number, outcome: "unknown", refundNo: expect.any(String) },
    ]);
  });
});

describe("work of an order's object", () => {
  test("leaves a line with what it cost, under the request's id", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    const init = await paymentRequest(world.shop, made.number, paid);
    const response = await send(payPath(world.shop), init);
    const requestId = response.headers.get("x-request-id");
    expect(linesOf(world.logged, { event: "order_operation", requestId })).toMatchObject([
      { operation: "record-payment", order: made.number, outcome: "recorded", d1Trips: 1 },
    ]);
    // The object's trips are its own, not the request's.
    expect(linesOf(world.logged, { event: "request", requestId })).toMatchObject([{ d1Trips: 1 }]);
  });

  test("tells a refusal and a fault from a success", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    await refund(world, made);
    world.wechat.pay(made.number);
    await refund(world, made);
    const lines = linesOf(world.logged, { event: "order_operation", operation: "request-refund" });
    expect(lines.map((line) => line["outcome"])).toEqual(["refused 501", "ok"]);
  });

  test("by an alarm leaves one line, whatever was due", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await runNext(made, "deliver-payment");
    const [line, ...more] = linesOf(world.logged, { event: "order_operation", operation: "alarm" });
    expect(more).toEqual([]);
    expect(line).toMatchObject({ order: made.number, timers: "deliver-payment", outcome: "done" });
    expect(line?.["d1Trips"]).toBeGreaterThan(1);
    expect(line).not.toHaveProperty("requestId");
  });
});

describe("a call to an app", () => {
  test.for([
    ["confirmed", 200, says("success")],
    ["not confirmed", 500, says("success", { status: 500 })],
    ["no answer", null, unreachable],
  ] as const)("that is %s leaves a line that says so", async ([outcome, status, reply]) => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.app.reply(reply);
    await runNext(made, "deliver-payment");
    expect(linesOf(world.logged, { event: "app_call" })).toMatchObject([
      {
        level: outcome === "confirmed" ? "info" : "warn",
        app: world.shop.appId,
        order: made.number,
        eventId: `pay_${made.number}`,
        outcome,
        status,
      },
    ]);
  });
});
