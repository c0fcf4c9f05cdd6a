import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { appResponse } from "../support/app-receiver.ts";
import { UNKNOWN, UNKNOWN_BUT_DONE } from "../support/faults.ts";
import {
  makeOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timersOf,
  viewOrder,
} from "../support/scenario.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

/** Evicts all objects from memory at once; their storage stays. */
const evict = abortAllDurableObjects;

describe("OrderObject, evicted after each step", () => {
  test("takes an order through payment, deliveries and refund to the same final state", async () => {
    const scene = await openScene();
    const { wechat, app, shop } = scene;
    const order = await makeOrder(scene);
    await evict();
    wechat.fail("/pay/orderquery", UNKNOWN);
    await runNextTimer(order, "poll-payment");
    await evict();
    const paid = wechat.pay(order.number);
    expect(await notifyPayment(shop, order.number, paid)).toBe(true);
    await evict();
    app.respondWith(appResponse("fail"), appResponse("fail"));
    await runNextTimer(order, "deliver-payment");
    await evict();
    await runNextTimer(order, "deliver-payment");
    await evict();
    await runNextTimer(order, "deliver-payment");
    expect(await rowOf(order)).toMatchObject({ payNotifyState: "confirmed", payNotifyNumber: 3 });
    await evict();
    wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    expect((await requestRefund(scene, order)).code).toBe(503);
    await evict();
    await runNextTimer(order, "poll-refund");
    await evict();
    const { number, state } = await refundOf(order);
    expect(state).toBe("accepted");
    expect(await requestRefund(scene, order)).toMatchObject({
      code: 0,
      data: { refund_no: number },
    });
    await evict();
    wechat.refund(number).status = "SUCCESS";
    const notification = {
      out_trade_no: order.number,
      out_refund_no: number,
      refund_status: "SUCCESS",
    };
    expect(await notifyRefund(shop, notification)).toBe(true);
    await evict();
    app.respondWith(appResponse("fail"));
    await runNextTimer(order, "deliver-refund");
    await evict();
    await runNextTimer(order, "deliver-refund");
    expect(await viewOrder(scene, order)).toMatchObject({
      pay_state: "2",
      pay_notify_state: "2",
      pay_notify_number: 3,
      ref_state: "4",
      ref_notify_state: "2",
      ref_notify_number: 2,
    });
    expect(wechat.callsOf("/secapi/pay/refund")).toHaveLength(1);
  });

  test("still fails an unpaid order at its expiry", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    while ((await timersOf(order)).length > 0) {
      await evict();
      await runNextTimer(order, "poll-payment");
    }
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("keeps the order's timeline", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await evict();
    await notifyPayment(scene.shop, order.number, scene.wechat.pay(order.number));
    await evict();
    await runDueTimers(order);
    const { entries } = await objectOf(order).history();
    expect(entries.map(({ event }) => event)).toEqual([
      "wechat.prepay",
      "payment.recorded",
      "app.called",
    ]);
  });
});

test("OrderObject keeps every timer over an eviction", async () => {
  const scene = await openScene();
  const order = await makeOrder(scene);
  expect((await timersOf(order)).map(({ kind }) => kind)).toEqual(["poll-payment"]);
  await evict();
  expect((await timersOf(order)).map(({ kind }) => kind)).toEqual(["poll-payment"]);
  await notifyPayment(scene.shop, order.number, scene.wechat.pay(order.number));
  await requestRefund(scene, order);
  const before = await timersOf(order);
  expect(before.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "deliver-payment",
    "poll-refund",
  ]);
  await evict();
  expect(await timersOf(order)).toEqual(before);
});
