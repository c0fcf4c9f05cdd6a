import { afterEach, describe, expect, test, vi } from "vitest";
import { notifyPayment } from "../support/notifications.ts";
import { changeApp } from "../support/operator.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  runDueTimers,
  viewOrder,
} from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";
import { billOf, READY_AT, runDay, serveBills } from "../reconciliation/support.ts";

afterEach(closeScene);

/** The facts of the order's timeline entries of one kind. */
async function factsOf(order: { readonly number: string }, event: string): Promise<object[]> {
  const { entries } = await objectOf(order).history();
  return entries.filter((entry) => entry.event === event).map(({ facts }) => facts);
}

describe("payment.recorded, by", () => {
  test("is notification when WeChat's notification reported it", async () => {
    const order = await makePaidOrder(await openScene());
    expect(await factsOf(order, "payment.recorded")).toMatchObject([{ by: "notification" }]);
  });

  test("is query when the app or a timer asked", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    await viewOrder(scene, order, { sync: 1 });
    expect(await factsOf(order, "payment.recorded")).toMatchObject([{ by: "query" }]);
  });

  test("is bill when the bill led to the query", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const { transactionId } = scene.wechat.pay(order.number);
    vi.setSystemTime(READY_AT);
    const text = billOf(scene.shop, [{ number: order.number, transactionId, fen: 100 }]);
    serveBills(scene).respondWith({ kind: "bill", text });
    await runDay(scene.shop);
    expect(await factsOf(order, "payment.recorded")).toMatchObject([{ by: "bill" }]);
  });

  test("is told of a contradiction too", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    await notifyPayment(scene.shop, order.number, { ...paid, totalFen: 7 });
    expect(await factsOf(order, "payment.contradiction")).toMatchObject([{ by: "notification" }]);
  });
});

describe("app.called", () => {
  test("has the URL without its query, and the fields' names without their values", async () => {
    const scene = await openScene();
    const url = "https://shop.example.com:8443/pay?token=a-secret-of-the-app";
    await changeApp(scene.shop, { payNotifyUrl: url });
    const order = await makePaidOrder(scene, { attach: "a-private-text" });
    await runDueTimers(order);
    expect(scene.app.callsTo(url)).toHaveLength(1);
    const [facts] = await factsOf(order, "app.called");
    expect(facts).toMatchObject({
      url: "https://shop.example.com:8443/pay",
      fields:
        "appId,event,eventId,order_id,pay_order_number,attach,total_free,pay_state,transaction_id,pay_time,timestamp,sign",
    });
    expect(JSON.stringify(facts)).not.toMatch(/a-secret-of-the-app|a-private-text/);
  });
});
