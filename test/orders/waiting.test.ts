import { afterEach, describe, expect, test } from "vitest";
import { gate, START } from "../support/clock.ts";
import { wechatError, UNKNOWN, UNKNOWN_BUT_DONE, UNKNOWNS } from "../support/faults.ts";
import { postSigned } from "../support/gateway.ts";
import {
  makeOrder,
  objectOf,
  ORDER,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  timersOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const MINUTE = 60_000;

afterEach(closeScene);

/** Runs the order's timer up to and including the poll at its expiry. */
async function expire(order: OrderRef): Promise<void> {
  const { expiresAt } = await rowOf(order);
  while (Date.now() < expiresAt) await runNextTimer(order, "poll-payment");
}

/** The paths of the calls to WeChat since the `from`th. */
function pathsSince({ wechat }: Scene, from: number): string[] {
  return wechat.calls.slice(from).map(({ path }) => path);
}

describe("poll-payment, waiting order", () => {
  test("queries after 1, 5 and 30 min and at expiry, closes the order, then marks it failed", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const pollMinutes: number[] = [];
    for (let poll = 0; poll < 4; poll += 1) {
      expect((await rowOf(order)).payState).toBe("waiting");
      await runNextTimer(order, "poll-payment");
      pollMinutes.push((Date.now() - START) / MINUTE);
    }
    expect(pollMinutes).toEqual([1, 5, 30, 120]);
    expect(pathsSince(scene, 1)).toEqual([
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/closeorder",
      "/pay/orderquery",
    ]);
    expect(scene.wechat.order(order.number).state).toBe("CLOSED");
    expect(await rowOf(order)).toMatchObject({ payState: "failed", updatedAt: Date.now() });
    expect(await timersOf(order)).toEqual([]);
    expect(scene.app.calls).toEqual([]);
  });

  test("records a payment found by the first query and calls the app", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
    expect(await timersOf(order)).toEqual([]);
  });

  test("ends paid when the payment arrives between query and close", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    for (let poll = 0; poll < 3; poll += 1) await runNextTimer(order, "poll-payment");
    const held = gate();
    scene.wechat.fail("/pay/closeorder", { acts: false, how: "honest", gate: held.opened });
    const expiring = expire(order);
    await until(() => scene.wechat.callsOf("/pay/closeorder").length === 1);
    scene.wechat.pay(order.number);
    held.release();
    await expiring;
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("marks the order failed before its expiry when WeChat has closed it", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(await timersOf(order)).toEqual([]);
  });
});

describe("I6: poll-payment, outcome unknown", () => {
  test.for(UNKNOWNS)("never marks the order failed on %s", async ([, fault]) => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", ...Array.from({ length: 12 }, () => fault));
    for (let poll = 0; poll < 12; poll += 1) {
      await runNextTimer(order, "poll-payment");
      expect((await rowOf(order)).payState).toBe("waiting");
    }
    expect(Date.now()).toBeGreaterThan((await rowOf(order)).expiresAt);
    expect(scene.wechat.callsOf("/pay/closeorder")).toEqual([]);
    scene.wechat.pay(order.number);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("paid");
  });

  test.for([
    ["lost", UNKNOWN],
    ["carried out but its answer lost", UNKNOWN_BUT_DONE],
    ["refused", wechatError("INVALID_REQUEST")],
  ] as const)("doesn't mark the order failed when the close is %s", async ([, fault]) => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/closeorder", fault);
    await expire(order);
    expect((await rowOf(order)).payState).toBe("waiting");
    expect((await timerOf(order, "poll-payment"))?.dueAt).toBe(Date.now() + MINUTE);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("doesn't mark the order failed when the query after the close is unknown", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    for (let poll = 0; poll < 3; poll += 1) await runNextTimer(order, "poll-payment");
    scene.wechat.fail("/pay/orderquery", { acts: true, how: "honest" }, UNKNOWN);
    await runNextTimer(order, "poll-payment");
    expect(scene.wechat.order(order.number).state).toBe("CLOSED");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("marks an order that WeChat doesn't have failed only at its expiry", async () => {
    const { shop, wechat } = await openScene();
    wechat.fail("/pay/unifiedorder", UNKNOWN, UNKNOWN);
    await postSigned(shop, "/pay/create-order", ORDER);
    const number = wechat.callsOf("/pay/unifiedorder")[0]?.["out_trade_no"] ?? "";
    const order = { id: 0, number };
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("waiting");
    await expire(order);
    expect((await rowOf(order)).payState).toBe("failed");
    expect(await timersOf(order)).toEqual([]);
  });

  test("never marks the order failed when WeChat's answer contradicts the record", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    scene.wechat.orders.set(order.number, { ...paid, totalFen: 1 });
    await expire(order);
    expect((await rowOf(order)).payState).toBe("waiting");
    expect(scene.logged.join()).toContain('"what":"amount"');
    scene.wechat.orders.set(order.number, paid);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("paid");
  });
});

describe("I4: failed order", () => {
  test("becomes paid when a payment arrives later", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await expire(order);
    expect((await rowOf(order)).payState).toBe("failed");
    const paid = scene.wechat.pay(order.number);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
    expect(await rowOf(order)).toMatchObject({ payState: "paid" });
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
  });

  test("isn't polled any more", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await expire(order);
    expect(await timersOf(order)).toEqual([]);
    const { entries } = await objectOf(order).history();
    expect(entries.at(-1)).toMatchObject({ event: "order.failed" });
  });
});
