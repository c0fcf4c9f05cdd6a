import { afterEach, describe, expect, test } from "vitest";
import { appResponse, truncatedResponse, unreachable } from "../support/app-receiver.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { watchTimers } from "../support/time-limits.ts";
import {
  makeOrder,
  makePaidOrder,
  refundOf,
  requestRefund,
  rowOf,
  runDueTimers,
  runNextTimer,
  viewOrder,
} from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

// A timer that outlives its call keeps the order's object in memory, which is billed.
describe("no timer is left running", () => {
  test("by an order that is created, paid and delivered", async () => {
    const scene = await openScene();
    const pending = watchTimers();
    const order = await makeOrder(scene);
    await notifyPayment(scene.shop, order.number, scene.wechat.pay(order.number));
    await runDueTimers(order);
    expect(await rowOf(order)).toMatchObject({ payState: "paid", payNotifyState: "confirmed" });
    expect(pending()).toEqual([]);
  });

  test("by an order that is queried, by its timer and by its app, and expires", async () => {
    const scene = await openScene();
    const pending = watchTimers();
    const order = await makeOrder(scene);
    await runNextTimer(order, "poll-payment");
    expect(await viewOrder(scene, order, { sync: 1 })).toMatchObject({ pay_state: "0" });
    while ((await rowOf(order)).payState === "waiting") await runNextTimer(order, "poll-payment");
    expect(pending()).toEqual([]);
  });

  test("by a refund that is requested, queried and delivered", async () => {
    const scene = await openScene();
    const pending = watchTimers();
    const order = await makePaidOrder(scene);
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0 });
    const { number } = await refundOf(order);
    await runNextTimer(order, "poll-refund");
    scene.wechat.refund(number).status = "SUCCESS";
    const fields = { out_refund_no: number, out_trade_no: order.number, refund_status: "SUCCESS" };
    await notifyRefund(scene.shop, { ...fields, status: "SUCCESS" });
    await runDueTimers(order);
    expect(await refundOf(order)).toMatchObject({ notifyState: "confirmed" });
    expect(pending()).toEqual([]);
  });

  test.for([
    ["unreachable", unreachable],
    ["refusing", appResponse("no", { status: 500 })],
    ["breaking off", truncatedResponse("succ")],
  ] as const)("by a call to an app that is %s", async ([, response]) => {
    const scene = await openScene();
    const pending = watchTimers();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(response);
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "failing" });
    expect(pending()).toEqual([]);
  });

  test.for(["reject", "http 500"] as const)("by a call to WeChat: %s", async (how) => {
    const scene = await openScene();
    const pending = watchTimers();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", { how, acts: true });
    await runNextTimer(order, "poll-payment");
    expect(pending()).toEqual([]);
  });
});
