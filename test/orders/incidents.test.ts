import { abortAllDurableObjects } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { advance, gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";
import { appResponse, appResponseAfter } from "../support/app-receiver.ts";
import { UNKNOWN } from "../support/faults.ts";
import {
  makeOrder,
  makePaidOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const HOUR = 3_600_000;
const OPEN = /insert into "incidents"/;

afterEach(closeScene);

/** The order's incidents, oldest first. */
async function incidentsOf({ number }: Pick<OrderRef, "number">) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

/** Runs the whole schedule with an app that refuses every call. */
async function exhaust(scene: Scene, order: OrderRef, kind = "deliver-payment"): Promise<void> {
  scene.app.respondWith(...Array.from({ length: 16 }, () => appResponse("fail")));
  for (let call = 0; call < 16; call += 1) await runNextTimer(order, kind);
}

describe("incident payment_contradiction", () => {
  test("opens once with the difference and counts the repeated reports", async () => {
    const scene = await openScene();
    const { shop, wechat } = scene;
    const order = await makeOrder(scene);
    const paid = wechat.pay(order.number);
    expect(await notifyPayment(shop, order.number, paid, { total_fee: "1" })).toBe(false);
    expect(await notifyPayment(shop, order.number, paid, { total_fee: "1" })).toBe(false);
    expect(await incidentsOf(order)).toMatchObject([
      {
        kind: "payment_contradiction",
        subject: order.number,
        merchantId: shop.merchantId,
        facts: { what: "amount", transactionId: paid.transactionId, totalFen: 1 },
        seen: 2,
        resolvedAt: null,
      },
    ]);
  });

  test("refuses the notification when the incident can't be stored", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: OPEN, how: "lost before" });
    expect(await notifyPayment(scene.shop, order.number, paid, { total_fee: "1" })).toBe(false);
    expect(await incidentsOf(order)).toEqual([]);
    expect(await notifyPayment(scene.shop, order.number, paid)).toBe(true);
  });
});

test("incident payment_of_unknown_order opens for the merchant that reported the payment", async () => {
  const scene = await openScene();
  const order = await makeOrder(scene);
  const paid = scene.wechat.pay(order.number);
  const number = randomHex32();
  expect(await notifyPayment(scene.shop, number, paid)).toBe(false);
  expect(await incidentsOf({ number })).toMatchObject([
    {
      kind: "payment_of_unknown_order",
      merchantId: scene.shop.merchantId,
      facts: { transactionId: paid.transactionId, totalFen: 100 },
    },
  ]);
});

describe("incident payment_outcome_unknown", () => {
  test("opens over an hour after the order's expiry and not before", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    const { expiresAt } = await rowOf(order);
    scene.wechat.fail("/pay/orderquery", ...Array.from({ length: 30 }, () => UNKNOWN));
    while ((await incidentsOf(order)).length === 0) await runNextTimer(order, "poll-payment");
    const overdueMs = Date.now() - expiresAt;
    expect(overdueMs).toBeGreaterThan(HOUR);
    expect(overdueMs).toBeLessThan(2 * HOUR);
    expect(await incidentsOf(order)).toMatchObject([
      {
        kind: "payment_outcome_unknown",
        merchantId: scene.shop.merchantId,
        facts: { wechat: "unknown" },
      },
    ]);
    expect(await timerOf(order, "poll-payment")).toBeDefined();
  });

  test.for(["by the timer", "by a notification"])(
    "is resolved when the outcome becomes known %s",
    async (how) => {
      const scene = await openScene();
      const order = await makeOrder(scene);
      scene.wechat.fail("/pay/orderquery", ...Array.from({ length: 9 }, () => UNKNOWN));
      for (let poll = 0; poll < 9; poll += 1) await runNextTimer(order, "poll-payment");
      expect(await incidentsOf(order)).toMatchObject([{ resolvedAt: null }]);
      const paid = scene.wechat.pay(order.number);
      if (how === "by the timer") await runNextTimer(order, "poll-payment");
      else await notifyPayment(scene.shop, order.number, paid);
      expect(await incidentsOf(order)).toMatchObject([
        { resolvedAt: Date.now(), note: expect.stringMatching(/^The gateway:/) },
      ]);
      expect(await timerOf(order, "poll-payment")).toBeUndefined();
    },
  );

  test("doesn't open on a few unknown answers to queries about a failed order", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    while ((await timerOf(order, "poll-payment")) !== undefined)
      await runNextTimer(order, "poll-payment");
    advance(2 * HOUR);
    // A payment that D1 fails to record leaves a timer that queries WeChat.
    const paid = scene.wechat.pay(order.number);
    instrumentD1().fail({ sql: /update "orders" set "pay_state"/, how: "lost before", times: 2 });
    await notifyPayment(scene.shop, order.number, paid);
    await runNextTimer(order, "deliver-payment");
    scene.wechat.fail("/pay/orderquery", ...Array.from({ length: 10 }, () => UNKNOWN));
    for (let poll = 1; poll <= 8; poll += 1) await runNextTimer(order, "poll-payment");
    expect(await incidentsOf(order)).toEqual([]);
    await runNextTimer(order, "poll-payment");
    expect(await incidentsOf(order)).toMatchObject([{ kind: "payment_outcome_unknown" }]);
  });
});

describe("incident delivery_exhausted", () => {
  test("opens at the schedule's end and is resolved when the app confirms later", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await exhaust(scene, order);
    expect(await incidentsOf(order)).toMatchObject([
      {
        kind: "delivery_exhausted",
        subject: order.number,
        merchantId: scene.shop.merchantId,
        facts: {
          app: scene.shop.appId,
          eventId: `pay_${order.number}`,
          calls: 16,
          status: 200,
        },
        resolvedAt: null,
      },
    ]);
    await objectOf(order).redeliver("pay");
    await runDueTimers(order);
    expect(await incidentsOf(order)).toMatchObject([
      { resolvedAt: Date.now(), note: expect.stringMatching(/^The gateway:/) },
    ]);
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });

  test("names the refund when a refund's delivery is exhausted", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "SUCCESS";
    const notification = {
      out_trade_no: order.number,
      out_refund_no: number,
      refund_status: "SUCCESS",
    };
    await notifyRefund(scene.shop, notification);
    await exhaust(scene, order, "deliver-refund");
    expect(await incidentsOf(order)).toMatchObject([
      { kind: "delivery_exhausted", subject: number, facts: { refundNo: number, calls: 16 } },
    ]);
  });

  test("doesn't open when a redelivery is requested during the last call", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.app.respondWith(...Array.from({ length: 15 }, () => appResponse("fail")));
    for (let call = 0; call < 15; call += 1) await runNextTimer(order, "deliver-payment");
    const held = gate();
    scene.app.respondWith(appResponseAfter(held.opened, "fail"));
    const last = runNextTimer(order, "deliver-payment");
    await until(() => scene.app.calls.length === 16);
    advance(1);
    await objectOf(order).redeliver("pay");
    held.release();
    await last;
    expect(await incidentsOf(order)).toEqual([]);
    expect(await timerOf(order, "deliver-payment")).toMatchObject({ attempt: 0 });
  });

  test("keeps the timer when the incident can't be stored and opens it at the next call", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    instrumentD1().fail({ sql: OPEN, how: "lost before" });
    await exhaust(scene, order);
    expect(await incidentsOf(order)).toEqual([]);
    await abortAllDurableObjects();
    scene.app.respondWith(appResponse("fail"));
    await runNextTimer(order, "deliver-payment");
    expect(await incidentsOf(order)).toMatchObject([{ facts: { calls: 17 } }]);
    expect(await timerOf(order, "deliver-payment")).toBeUndefined();
  });
});

test("incidents aren't touched by orders without faults", async () => {
  const scene = await openScene();
  const { trips } = instrumentD1();
  const order = await makePaidOrder(scene);
  scene.app.respondWith(appResponse("fail"));
  await runNextTimer(order, "deliver-payment");
  await runNextTimer(order, "deliver-payment");
  const expired = await makeOrder(scene);
  while ((await timerOf(expired, "poll-payment")) !== undefined) {
    await runNextTimer(expired, "poll-payment");
  }
  expect((await rowOf(order)).payNotifyState).toBe("confirmed");
  expect((await rowOf(expired)).payState).toBe("failed");
  // The settings' own query reads a merchant's open incidents too.
  const statements = trips
    .flat()
    .filter((statement) => !/^select .* from "(apps|merchants)"/s.test(statement));
  expect(statements.filter((statement) => statement.includes("incidents"))).toEqual([]);
});
