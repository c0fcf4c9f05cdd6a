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

/** Runs the order's timer until the clock stands at its expiry; the ask at expiry has been made then. */
async function expire(order: OrderRef): Promise<void> {
  const { expiresAt } = await rowOf(order);
  while (Date.now() < expiresAt) await runNextTimer(order, "poll-payment");
}

/** The paths of the calls to WeChat since the `from`th. */
function pathsSince({ wechat }: Scene, from: number): string[] {
  return wechat.calls.slice(from).map(({ path }) => path);
}

describe("a waiting order", () => {
  test("is asked about after 1, 5 and 30 minutes and at its expiry, closed there, then failed", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const asks: number[] = [];
    for (let asked = 0; asked < 4; asked += 1) {
      expect((await rowOf(order)).payState).toBe("waiting");
      await runNextTimer(order, "poll-payment");
      asks.push((Date.now() - START) / MINUTE);
    }
    expect(asks).toEqual([1, 5, 30, 120]);
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

  test("that was paid is found out by the first ask, and its app is told", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("paid");
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
    expect(await timersOf(order)).toEqual([]);
  });

  test("that is paid between the question and the closing ends paid", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    for (let asked = 0; asked < 3; asked += 1) await runNextTimer(order, "poll-payment");
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

  test("that WeChat has closed by itself is failed before its expiry", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.order(order.number).state = "CLOSED";
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    expect(await timersOf(order)).toEqual([]);
  });
});

describe("what isn't known", () => {
  test.for(UNKNOWNS)("for %s never fails an order", async ([, fault]) => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/orderquery", ...Array.from({ length: 12 }, () => fault));
    for (let asked = 0; asked < 12; asked += 1) {
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
    ["not heard", UNKNOWN],
    ["not heard of, though done", UNKNOWN_BUT_DONE],
    ["refused", wechatError("INVALID_REQUEST")],
  ] as const)("while the closing is %s, does not fail an order", async ([, fault]) => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.fail("/pay/closeorder", fault);
    await expire(order);
    expect((await rowOf(order)).payState).toBe("waiting");
    expect((await timerOf(order, "poll-payment"))?.dueAt).toBe(Date.now() + MINUTE);
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("after the closing does not fail an order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    for (let asked = 0; asked < 3; asked += 1) await runNextTimer(order, "poll-payment");
    scene.wechat.fail("/pay/orderquery", { acts: true, how: "honest" }, UNKNOWN);
    await runNextTimer(order, "poll-payment");
    expect(scene.wechat.order(order.number).state).toBe("CLOSED");
    expect((await rowOf(order)).payState).toBe("waiting");
    await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
  });

  test("because WeChat doesn't have the order fails it at its expiry only", async () => {
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

  test("because WeChat's word contradicts the record never fails an order", async () => {
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

describe("a failed order", () => {
  test("is paid when the money arrives after all", async () => {
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

  test("is not asked about any more", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    await expire(order);
    expect(await timersOf(order)).toEqual([]);
    const { entries } = await objectOf(order).history();
    expect(entries.at(-1)).toMatchObject({ event: "order.failed" });
  });
});
