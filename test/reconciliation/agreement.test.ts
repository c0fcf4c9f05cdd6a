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

/** The order's payment as a line of the bill. */
async function paymentOf(order: OrderRef): Promise<Trade> {
  const { number, transactionId, totalFen } = await rowOf(order);
  return { number, transactionId: transactionId ?? "", fen: totalFen };
}

/** The order's refund as a line of the bill. */
async function refundLineOf(order: OrderRef, status: "SUCCESS" | "PROCESSING"): Promise<Trade> {
  const [refund] = await refundsOf(order);
  const { transactionId } = await rowOf(order);
  if (refund === undefined) throw new Error("no refund");
  const { number: refundNo, refundFen } = refund;
  return { number: order.number, transactionId: transactionId ?? "", refundNo, refundFen, status };
}

/** Makes two payments and a refund; then sets the clock to the time at which the bill is ready. */
async function dayOfTrades(scene: Scene): Promise<Trade[]> {
  const first = await makePaidOrder(scene);
  const second = await makePaidOrder(scene, { totalFree: 250 });
  await requestRefund(scene, second);
  const trades = [
    await paymentOf(first),
    await paymentOf(second),
    await refundLineOf(second, "PROCESSING"),
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
  "reconciliation of a merchant with sign type %s",
  (signType) => {
    test.for([true, false])(
      "finds no difference to a matching bill (plain: %s) and leaves nothing in storage",
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

    test("finds no difference for a day without trades and without a bill", async () => {
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

describe("reconciliation, missed payment", () => {
  test("records the payment after WeChat's query confirms it and calls the app", async () => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const order = await makeOrder(scene);
    while ((await rowOf(order)).payState === "waiting") await runNextTimer(order, "poll-payment");
    expect((await rowOf(order)).payState).toBe("failed");
    // The payer paid before the close, and all notifications were lost.
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
    // A second run recovers nothing.
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      recovered: 0,
      ourPayments: 1,
    });
  });

  test("records nothing on the bill alone", async () => {
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

test("reconciliation queries and records a refund whose final state was missed", async () => {
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

describe("reconciliation, object evicted", () => {
  test("ends with the same result after an eviction between any two steps", async () => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const trades = await dayOfTrades(scene);
    bills.respondWith({ kind: "bill", text: billOf(scene.shop, trades) });
    const steps = await runDay(scene.shop);
    expect(steps).toBeGreaterThan(3);
    for (let evictedAfter = 0; evictedAfter < steps; evictedAfter += 1) {
      await startDay(scene.shop);
      for (let step = 0; step < evictedAfter; step += 1) await runStep(scene.shop);
      await abortAllDurableObjects();
      await runSteps(scene.shop);
      expect(await reconciliationOf(scene.shop)).toMatchObject(AGREED);
    }
  });
});

describe("reconciliation, D1 fails", () => {
  test.for([
    /update "reconciliations" set "attempts"/,
    /from "orders" where .*json_each/,
    /from "refunds" inner join .*json_each/,
    /"paid_at" is not null/,
    /"refunds"\."created_at" >=/,
    /update "reconciliations" set "state"/,
  ])("resumes at the failed step after a failure of %s", async (sql) => {
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
