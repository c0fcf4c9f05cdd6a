import { abortAllDurableObjects } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { advance, gate } from "../support/clock.ts";
import { watchD1 } from "../support/d1.ts";
import { says, saysLater } from "../support/fake-app.ts";
import { UNKNOWN } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  runDue,
  runNext,
  timerOf,
  type Made,
} from "../support/life.ts";
import { notifyPayment, notifyRefund } from "../support/notices.ts";
import { db } from "../support/rows.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";

const HOUR = 3_600_000;
const OPEN = /insert into "incidents"/;

afterEach(closeWorld);

/** The incidents about this order, the oldest first. */
async function incidentsOf({ number }: Pick<Made, "number">) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

/** Has the app refuse every call of the schedule. */
async function exhaust(world: World, made: Made, kind = "deliver-payment"): Promise<void> {
  world.app.reply(...Array.from({ length: 16 }, () => says("fail")));
  for (let call = 0; call < 16; call += 1) await runNext(made, kind);
}

describe("a payment that contradicts the record", () => {
  test("is an incident that says how, once however often it is reported", async () => {
    const world = await openWorld();
    const { shop, wechat } = world;
    const made = await makeOrder(world);
    const paid = wechat.pay(made.number);
    expect(await notifyPayment(shop, made.number, paid, { total_fee: "1" })).toBe(false);
    expect(await notifyPayment(shop, made.number, paid, { total_fee: "1" })).toBe(false);
    expect(await incidentsOf(made)).toMatchObject([
      {
        kind: "payment_contradiction",
        subject: made.number,
        merchantId: shop.merchantId,
        facts: { what: "amount", transactionId: paid.transactionId, totalFen: 1 },
        seen: 2,
        resolvedAt: null,
      },
    ]);
  });

  test("is not acknowledged when the incident can't be stored", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: OPEN, how: "lost before" });
    expect(await notifyPayment(world.shop, made.number, paid, { total_fee: "1" })).toBe(false);
    expect(await incidentsOf(made)).toEqual([]);
    expect(await notifyPayment(world.shop, made.number, paid)).toBe(true);
  });
});

test("a payment of an order that isn't there is an incident of the merchant that reported it", async () => {
  const world = await openWorld();
  const made = await makeOrder(world);
  const paid = world.wechat.pay(made.number);
  const number = randomHex32();
  expect(await notifyPayment(world.shop, number, paid)).toBe(false);
  expect(await incidentsOf({ number })).toMatchObject([
    {
      kind: "payment_of_unknown_order",
      merchantId: world.shop.merchantId,
      facts: { transactionId: paid.transactionId, totalFen: 100 },
    },
  ]);
});

describe("an order that WeChat says nothing usable about", () => {
  test("is an incident more than an hour after its expiry, and none before", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const { expiresAt } = await rowOf(made);
    world.wechat.fail("/pay/orderquery", ...Array.from({ length: 30 }, () => UNKNOWN));
    while ((await incidentsOf(made)).length === 0) await runNext(made, "poll-payment");
    const late = Date.now() - expiresAt;
    expect(late).toBeGreaterThan(HOUR);
    expect(late).toBeLessThan(2 * HOUR);
    expect(await incidentsOf(made)).toMatchObject([
      {
        kind: "payment_outcome_unknown",
        merchantId: world.shop.merchantId,
        facts: { wechat: "unknown" },
      },
    ]);
    expect(await timerOf(made, "poll-payment")).toBeDefined();
  });

  test.for(["by the timer", "by a notification"])(
    "is no incident any more once it is known %s",
    async (how) => {
      const world = await openWorld();
      const made = await makeOrder(world);
      world.wechat.fail("/pay/orderquery", ...Array.from({ length: 9 }, () => UNKNOWN));
      for (let asked = 0; asked < 9; asked += 1) await runNext(made, "poll-payment");
      expect(await incidentsOf(made)).toMatchObject([{ resolvedAt: null }]);
      const paid = world.wechat.pay(made.number);
      if (how === "by the timer") await runNext(made, "poll-payment");
      else await notifyPayment(world.shop, made.number, paid);
      expect(await incidentsOf(made)).toMatchObject([
        { resolvedAt: Date.now(), note: expect.stringMatching(/^The gateway:/) },
      ]);
      expect(await timerOf(made, "poll-payment")).toBeUndefined();
    },
  );

  test("is none when WeChat merely stumbles over a failed one that is asked about anew", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    while ((await timerOf(made, "poll-payment")) !== undefined) await runNext(made, "poll-payment");
    advance(2 * HOUR);
    // A booking that D1 loses leaves a timer that finds out.
    const paid = world.wechat.pay(made.number);
    watchD1().fail({ sql: /update "orders" set "pay_state"/, how: "lost before", times: 2 });
    await notifyPayment(world.shop, made.number, paid);
    await runNext(made, "deliver-payment");
    world.wechat.fail("/pay/orderquery", ...Array.from({ length: 10 }, () => UNKNOWN));
    for (let asked = 1; asked <= 8; asked += 1) await runNext(made, "poll-payment");
    expect(await incidentsOf(made)).toEqual([]);
    await runNext(made, "poll-payment");
    expect(await incidentsOf(made)).toMatchObject([{ kind: "payment_outcome_unknown" }]);
  });
});

describe("an app that never confirms", () => {
  test("is an incident when the schedule has ended, resolved when it confirms after all", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await exhaust(world, made);
    expect(await incidentsOf(made)).toMatchObject([
      {
        kind: "delivery_exhausted",
        subject: made.number,
        merchantId: world.shop.merchantId,
        facts: {
          app: world.shop.appId,
          eventId: `pay_${made.number}`,
          calls: 16,
          status: 200,
        },
        resolvedAt: null,
      },
    ]);
    await objectOf(made).redeliver("pay");
    await runDue(made);
    expect(await incidentsOf(made)).toMatchObject([
      { resolvedAt: Date.now(), note: expect.stringMatching(/^The gateway:/) },
    ]);
    expect(await timerOf(made, "deliver-payment")).toBeUndefined();
  });

  test("of a refund names the refund", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await runDue(made);
    await refund(world, made);
    const { number } = await refundOf(made);
    world.wechat.refund(number).status = "SUCCESS";
    const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
    await notifyRefund(world.shop, news);
    await exhaust(world, made, "deliver-refund");
    expect(await incidentsOf(made)).toMatchObject([
      { kind: "delivery_exhausted", subject: number, facts: { refundNo: number, calls: 16 } },
    ]);
  });

  test("is none while its calls were begun anew during the last one", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    world.app.reply(...Array.from({ length: 15 }, () => says("fail")));
    for (let call = 0; call < 15; call += 1) await runNext(made, "deliver-payment");
    const held = gate();
    world.app.reply(saysLater(held.passed, "fail"));
    const last = runNext(made, "deliver-payment");
    await until(() => world.app.calls.length === 16);
    advance(1);
    await objectOf(made).redeliver("pay");
    held.release();
    await last;
    expect(await incidentsOf(made)).toEqual([]);
    expect(await timerOf(made, "deliver-payment")).toMatchObject({ attempt: 0 });
  });

  test("leaves the timer behind when the incident can't be stored, and raises it then", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    watchD1().fail({ sql: OPEN, how: "lost before" });
    await exhaust(world, made);
    expect(await incidentsOf(made)).toEqual([]);
    await abortAllDurableObjects();
    world.app.reply(says("fail"));
    await runNext(made, "deliver-payment");
    expect(await incidentsOf(made)).toMatchObject([{ facts: { calls: 17 } }]);
    expect(await timerOf(made, "deliver-payment")).toBeUndefined();
  });
});

test("an order's normal life touches no incident", async () => {
  const world = await openWorld();
  const { trips } = watchD1();
  const made = await makePaidOrder(world);
  world.app.reply(says("fail"));
  await runNext(made, "deliver-payment");
  await runNext(made, "deliver-payment");
  const expired = await makeOrder(world);
  while ((await timerOf(expired, "poll-payment")) !== undefined) {
    await runNext(expired, "poll-payment");
  }
  expect((await rowOf(made)).payNotifyState).toBe("confirmed");
  expect((await rowOf(expired)).payState).toBe("failed");
  expect(trips.flat().filter((statement) => statement.includes("incidents"))).toEqual([]);
});
