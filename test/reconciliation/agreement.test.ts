import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  refundsOf,
  makeOrder,
  makePaidOrder,
  refund,
  rowOf,
  runDue,
  runNext,
  type Made,
} from "../support/life.ts";
import { watchD1 } from "../support/d1.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";
import {
  billOf,
  DAY,
  dayOf,
  incidentsOf,
  openBills,
  READY_AT,
  run,
  runSteps,
  start,
  step,
  storedBy,
  type Trade,
} from "./support.ts";

afterEach(closeWorld);

/** The order's payment as the bill has it. */
async function paymentOf(made: Made): Promise<Trade> {
  const { number, transactionId, totalFen } = await rowOf(made);
  return { number, transactionId: transactionId ?? "", fen: totalFen };
}

/** The order's refund as the bill has it. */
async function refundLineOf(made: Made, status: "SUCCESS" | "PROCESSING"): Promise<Trade> {
  const [made1] = await refundsOf(made);
  const { transactionId } = await rowOf(made);
  if (made1 === undefined) throw new Error("no refund");
  const { number: refundNo, refundFen } = made1;
  return { number: made.number, transactionId: transactionId ?? "", refundNo, refundFen, status };
}

/** A day of two payments, one of them refunded; the clock then stands when the bill is ready. */
async function dayOfTrades(world: World): Promise<Trade[]> {
  const one = await makePaidOrder(world);
  const other = await makePaidOrder(world, { totalFree: 250 });
  await refund(world, other);
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
        const world = await openWorld(signType);
        const bills = openBills(world);
        const trades = await dayOfTrades(world);
        bills.reply({ kind: "bill", text: billOf(world.shop, trades), plain });
        await run(world.shop);
        expect(await dayOf(world.shop)).toMatchObject(AGREED);
        expect(bills.asked).toEqual([DAY]);
        expect(await incidentsOf(world.shop)).toEqual([]);
        expect(await storedBy(world.shop)).toEqual([]);
        expect(world.logged.join()).not.toContain("oOpenIdInTheBill");
      },
    );

    test("without trades agrees with a bill that isn't", async () => {
      const world = await openWorld(signType);
      openBills(world);
      vi.setSystemTime(READY_AT);
      await run(world.shop);
      expect(await dayOf(world.shop)).toMatchObject({
        state: "done",
        billPayments: 0,
        ourPayments: 0,
      });
      expect(await incidentsOf(world.shop)).toEqual([]);
    });
  },
);

describe("a payment that the gateway had missed", () => {
  test("is booked by WeChat's own word, and its app is told", async () => {
    const world = await openWorld();
    const bills = openBills(world);
    const made = await makeOrder(world);
    while ((await rowOf(made)).payState === "waiting") await runNext(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("failed");
    // The payer was quicker than the close, and all news of it was lost.
    const { transactionId } = world.wechat.pay(made.number);
    vi.setSystemTime(READY_AT);
    bills.reply({
      kind: "bill",
      text: billOf(world.shop, [{ number: made.number, transactionId, fen: 100 }]),
    });
    await run(world.shop);
    expect(await rowOf(made)).toMatchObject({ payState: "paid", transactionId });
    expect(await dayOf(world.shop)).toMatchObject({
      state: "done",
      recovered: 1,
      ourPayments: 1,
      ourPaidFen: 100,
      discrepancies: 0,
    });
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
    // Run again, there is nothing left to settle.
    await run(world.shop);
    expect(await dayOf(world.shop)).toMatchObject({ state: "done", recovered: 0, ourPayments: 1 });
  });

  test("is not booked by the bill alone", async () => {
    const world = await openWorld();
    const bills = openBills(world);
    const made = await makeOrder(world);
    vi.setSystemTime(READY_AT);
    const trade = { number: made.number, transactionId: "42", fen: 100 };
    bills.reply({ kind: "bill", text: billOf(world.shop, [trade]) });
    await run(world.shop);
    expect((await rowOf(made)).payState).not.toBe("paid");
    expect(await incidentsOf(world.shop)).toMatchObject([
      { kind: "bill_state_differs", subject: `${world.shop.merchantId}:${DAY}:${made.number}` },
    ]);
  });
});

test("a refund whose end the gateway had missed is asked about and booked", async () => {
  const world = await openWorld();
  const bills = openBills(world);
  const made = await makePaidOrder(world);
  await refund(world, made);
  const [before] = await refundsOf(made);
  world.wechat.refund(before?.number ?? "").status = "SUCCESS";
  const trades = [await paymentOf(made), await refundLineOf(made, "SUCCESS")];
  vi.setSystemTime(READY_AT);
  bills.reply({ kind: "bill", text: billOf(world.shop, trades) });
  await run(world.shop);
  expect((await refundsOf(made))[0]?.state).toBe("succeeded");
  expect(await dayOf(world.shop)).toMatchObject({ recovered: 1, discrepancies: 0, ourRefunds: 1 });
});

describe("a day whose object is thrown out of memory", () => {
  test("between any two steps ends the same", async () => {
    const world = await openWorld();
    const bills = openBills(world);
    const trades = await dayOfTrades(world);
    bills.reply({ kind: "bill", text: billOf(world.shop, trades) });
    const steps = await run(world.shop);
    expect(steps).toBeGreaterThan(3);
    for (let evictedAfter = 0; evictedAfter < steps; evictedAfter += 1) {
      await start(world.shop);
      for (let taken = 0; taken < evictedAfter; taken += 1) await step(world.shop);
      await abortAllDurableObjects();
      await runSteps(world.shop);
      expect(await dayOf(world.shop)).toMatchObject(AGREED);
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
    const world = await openWorld();
    const bills = openBills(world);
    const trades = await dayOfTrades(world);
    bills.reply({ kind: "bill", text: billOf(world.shop, trades) });
    const d1 = watchD1();
    d1.fail({ sql, how: "lost after" });
    d1.fail({ sql, how: "lost before" });
    await run(world.shop);
    expect(await dayOf(world.shop)).toMatchObject(AGREED);
    expect(world.logged.filter((line) => line.includes("reconciliation_failed"))).toHaveLength(2);
    expect(await storedBy(world.shop)).toEqual([]);
  });
});
