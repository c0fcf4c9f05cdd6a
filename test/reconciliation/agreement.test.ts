import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  refundsOf,
  makeOrder,
  makePaidOrder,
  requestRefund,
  rowOf,
  runDueTimers,
  runNextTimer,
  type OrderRef,
} from "../support/scenario.ts";
import { instrumentD1 } from "../support/d1.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import {
  billOf,
  DAY,
  reconciliationOf,
  incidentsOf,
  serveBills,
  READY_AT,
  runDay,
  runSteps,
  startDay,
  runStep,
  storedNames,
  type Trade,
} from "./support.ts";

afterEach(closeScene);

/** The order's payment as the bill has it. */
async function paymentOf(order: OrderRef): Promise<Trade> {
  const { number, transactionId, totalFen } = await rowOf(order);
  return { number, transactionId: transactionId ?? "", fen: totalFen };
}

/** The order's refund as the bill has it. */
async function refundLineOf(order: OrderRef, status: "SUCCESS" | "PROCESSING"): Promise<Trade> {
  const [made1] = await refundsOf(order);
  const { transactionId } = await rowOf(order);
  if (made1 === undefined) throw new Error("no refund");
  const { number: refundNo, refundFen } = made1;
  return { number: order.number, transactionId: transactionId ?? "", refundNo, refundFen, status };
}

/** A day of two payments, one of them refunded; the clock then stands when the bill is ready. */
async function dayOfTrades(scene: Scene): Promise<Trade[]> {
  const one = await makePaidOrder(scene);
  const other = await makePaidOrder(scene, { totalFree: 250 });
  await requestRefund(scene, other);
  const trades = [
    await paymentOf(one),
    await paymentOf(other),
    await refundLineOf(other, "PROCESSING"),
  ];
  vi.setSystemTime(READY_AT);
  return trades;
}

const AGREED = {
  state: "done",
  reason: null,
  billPayments: 2,
  billPaidFen: 350,
  billRefunds: 1,
  billRefundedFen: 250,
  ourPayments: 2,
  ourPaidFen: 350,
  ourRefunds: 1,
  ourRefundedFen: 250,
  recovered: 0,
  discrepancies: 0,
  finishedAt: READY_AT,
};

describe.each(["HMAC-SHA256", "MD5", "RSA"] as const)(
  "a day of a merchant that signs by %s",
  (signType) => {
    test.for([true, false])(
      "agrees with its bill (plain: %s), which leaves nothing behind",
      async (plain) => {
        const scene = await openScene(signType);
        const bills = serveBills(scene);
        const trades = await dayOfTrades(scene);
        bills.respondWith({ kind: "bill", text: billOf(scene.shop, trades), plain });
        await runDay(scene.shop);
        expect(await reconciliationOf(scene.shop)).toMatchObject(AGREED);
        expect(bills.requestedDays).toEqual([DAY]);
        expect(await incidentsOf(scene.shop)).toEqual([]);
        expect(await storedNames(scene.shop)).toEqual([]);
        expect(scene.logged.join()).not.toContain("oOpenIdInTheBill");
      },
    );

    test("without trades agrees with a bill that isn't", async () => {
      const scene = await openScene(signType);
      serveBills(scene);
      vi.setSystemTime(READY_AT);
      await runDay(scene.shop);
      expect(await reconciliationOf(scene.shop)).toMatchObject({
        state: "done",
        billPayments: 0,
        ourPayments: 0,
      });
      expect(await incidentsOf(scene.shop)).toEqual([]);
    });
  },
);

describe("a payment that the gateway had missed", () => {
  test("is booked by WeChat's own word, and its app is told", async () => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const order = await makeOrder(scene);
    while ((await rowOf(order)).payState === "waiting") await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    // The payer was quicker than the close, and all news of it was lost.
    const { transactionId } = scene.wechat.pay(order.number);
    vi.setSystemTime(READY_AT);
    bills.respondWith({
      kind: "bill",
      text: billOf(scene.shop, [{ number: order.number, transactionId, fen: 100 }]),
    });
    await runDay(scene.shop);
    expect(await rowOf(order)).toMatchObject({ payState: "paid", transactionId });
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      recovered: 1,
      ourPayments: 1,
      ourPaidFen: 100,
      discrepancies: 0,
    });
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.payUrl)).toHaveLength(1);
    // Run again, there is nothing left to settle.
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      recovered: 0,
      ourPayments: 1,
    });
  });

  test("is not booked by the bill alone", async () => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const order = await makeOrder(scene);
    vi.setSystemTime(READY_AT);
    const trade = { number: order.number, transactionId: "42", fen: 100 };
    bills.respondWith({ kind: "bill", text: billOf(scene.shop, [trade]) });
    await runDay(scene.shop);
    expect((await rowOf(order)).payState).not.toBe("paid");
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind: "bill_state_differs", subject: `${scene.shop.merchantId}:${DAY}:${order.number}` },
    ]);
  });
});

test("a refund whose end the gateway had missed is asked about and booked", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const order = await makePaidOrder(scene);
  await requestRefund(scene, order);
  const [before] = await refundsOf(order);
  scene.wechat.refund(before?.number ?? "").status = "SUCCESS";
  const trades = [await paymentOf(order), await refundLineOf(order, "SUCCESS")];
  vi.setSystemTime(READY_AT);
  bills.respondWith({ kind: "bill", text: billOf(scene.shop, trades) });
  await runDay(scene.shop);
  expect((await refundsOf(order))[0]?.state).toBe("succeeded");
  expect(await reconciliationOf(scene.shop)).toMatchObject({
    recovered: 1,
    discrepancies: 0,
    ourRefunds: 1,
  });
});

describe("a day whose object is thrown out of memory", () => {
  test("between any two steps ends the same", async () => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const trades = await dayOfTrades(scene);
    bills.respondWith({ kind: "bill", text: billOf(scene.shop, trades) });
    const steps = await runDay(scene.shop);
    expect(steps).toBeGreaterThan(3);
    for (let evictedAfter = 0; evictedAfter < steps; evictedAfter += 1) {
      await startDay(scene.shop);
      for (let taken = 0; taken < evictedAfter; taken += 1) await runStep(scene.shop);
      await abortAllDurableObjects();
      await runSteps(scene.shop);
      expect(await reconciliationOf(scene.shop)).toMatchObject(AGREED);
    }
  });
});

describe("a day during which D1 goes away", () => {
  test.for([
    /update "reconciliations" set "attempts"/,
    /from "orders" where .*json_each/,
    /from "refunds" inner join .*json_each/,
    /"paid_at" is not null/,
    /"refunds"\."created_at" >=/,
    /update "reconciliations" set "state"/,
  ])("at %s goes on from where it was", async (sql) => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const trades = await dayOfTrades(scene);
    bills.respondWith({ kind: "bill", text: billOf(scene.shop, trades) });
    const d1 = instrumentD1();
    d1.fail({ sql, how: "lost after" });
    d1.fail({ sql, how: "lost before" });
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject(AGREED);
    expect(scene.logged.filter((line) => line.includes("reconciliation_failed"))).toHaveLength(2);
    expect(await storedNames(scene.shop)).toEqual([]);
  });
});
