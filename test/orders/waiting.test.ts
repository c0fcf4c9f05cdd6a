import { afterEach, describe, expect, test } from "vitest";
import { gate, START } from "../support/clock.ts";
import { error, UNKNOWN, UNKNOWN_BUT_DONE, UNKNOWNS } from "../support/faults.ts";
import { ask } from "../support/gateway.ts";
import {
  makeOrder,
  objectOf,
  ORDER,
  rowOf,
  runDue,
  runNext,
  timerOf,
  timersOf,
  type Made,
} from "../support/life.ts";
import { notifyPayment } from "../support/notices.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";

const MINUTE = 60_000;

afterEach(closeWorld);

/** Runs the order's timer until the clock stands at its expiry; the ask at expiry has been made then. */
async function expire(made: Made): Promise<void> {
  const { expiresAt } = await rowOf(made);
  while (Date.now() < expiresAt) await runNext(made, "poll-payment");
}

/** The paths of the calls to WeChat since the `from`th. */
function pathsSince({ wechat }: World, from: number): string[] {
  return wechat.calls.slice(from).map(({ path }) => path);
}

describe("a waiting order", () => {
  test("is asked about after 1, 5 and 30 minutes and at its expiry, closed there, then failed", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const asks: number[] = [];
    for (let asked = 0; asked < 4; asked += 1) {
      expect((await rowOf(made)).payState).toBe("waiting");
      await runNext(made, "poll-payment");
      asks.push((Date.now() - START) / MINUTE);
    }
    expect(asks).toEqual([1, 5, 30, 120]);
    expect(pathsSince(world, 1)).toEqual([
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/orderquery",
      "/pay/closeorder",
      "/pay/orderquery",
    ]);
    expect(world.wechat.order(made.number).state).toBe("CLOSED");
    expect(await rowOf(made)).toMatchObject({ payState: "failed", updatedAt: Date.now() });
    expect(await timersOf(made)).toEqual([]);
    expect(world.app.calls).toEqual([]);
  });

  test("that was paid is found out by the first ask, and its app is told", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.pay(made.number);
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
    expect(await timersOf(made)).toEqual([]);
  });

  test("that is paid between the question and the closing ends paid", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    for (let asked = 0; asked < 3; asked += 1) await runNext(made, "poll-payment");
    const held = gate();
    world.wechat.fail("/pay/closeorder", { acts: false, how: "honest", gate: held.passed });
    const expiring = expire(made);
    await until(() => world.wechat.callsOf("/pay/closeorder").length === 1);
    world.wechat.pay(made.number);
    held.release();
    await expiring;
    expect((await rowOf(made)).payState).toBe("paid");
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("that WeChat has closed by itself is failed before its expiry", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.order(made.number).state = "CLOSED";
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
    expect(await timersOf(made)).toEqual([]);
  });
});

describe("what isn't known", () => {
  test.for(UNKNOWNS)("for %s never fails an order", async ([, fault]) => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.fail("/pay/orderquery", ...Array.from({ length: 12 }, () => fault));
    for (let asked = 0; asked < 12; asked += 1) {
      await runNext(made, "poll-payment");
      expect((await rowOf(made)).payState).toBe("waiting");
    }
    expect(Date.now()).toBeGreaterThan((await rowOf(made)).expiresAt);
    expect(world.wechat.callsOf("/pay/closeorder")).toEqual([]);
    world.wechat.pay(made.number);
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("paid");
  });

  test.for([
    ["not heard", UNKNOWN],
    ["not heard of, though done", UNKNOWN_BUT_DONE],
    ["refused", error("INVALID_REQUEST")],
  ] as const)("while the closing is %s, does not fail an order", async ([, fault]) => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.fail("/pay/closeorder", fault);
    await expire(made);
    expect((await rowOf(made)).payState).toBe("waiting");
    expect((await timerOf(made, "poll-payment"))?.dueAt).toBe(Date.now() + MINUTE);
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
  });

  test("after the closing does not fail an order", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    for (let asked = 0; asked < 3; asked += 1) await runNext(made, "poll-payment");
    world.wechat.fail("/pay/orderquery", { acts: true, how: "honest" }, UNKNOWN);
    await runNext(made, "poll-payment");
    expect(world.wechat.order(made.number).state).toBe("CLOSED");
    expect((await rowOf(made)).payState).toBe("waiting");
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
  });

  test("because WeChat doesn't have the order fails it at its expiry only", async () => {
    const { shop, wechat } = await openWorld();
    wechat.fail("/pay/unifiedorder", UNKNOWN, UNKNOWN);
    await ask(shop, "/pay/create-order", ORDER);
    const number = wechat.callsOf("/pay/unifiedorder")[0]?.["out_trade_no"] ?? "";
    const made = { id: 0, number };
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("waiting");
    await expire(made);
    expect((await rowOf(made)).payState).toBe("failed");
    expect(await timersOf(made)).toEqual([]);
  });

  test("because WeChat's word contradicts the record never fails an order", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    world.wechat.orders.set(made.number, { ...paid, totalFen: 1 });
    await expire(made);
    expect((await rowOf(made)).payState).toBe("waiting");
    expect(world.logged.join()).toContain('"what":"amount"');
    world.wechat.orders.set(made.number, paid);
    await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("paid");
  });
});

describe("a failed order", () => {
  test("is paid when the money arrives after all", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    await expire(made);
    expect((await rowOf(made)).payState).toBe("failed");
    const paid = world.wechat.pay(made.number);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
    expect(await rowOf(made)).toMatchObject({ payState: "paid" });
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("is not asked about any more", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    await expire(made);
    expect(await timersOf(made)).toEqual([]);
    const { entries } = await objectOf(made).history();
    expect(entries.at(-1)).toMatchObject({ event: "order.failed" });
  });
});
