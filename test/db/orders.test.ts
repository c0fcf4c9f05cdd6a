import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  markOrderPaid,
  failOrder,
  findOrder,
  findOrderById,
  insertOrder,
  recordPayDelivery,
} from "../../src/db/orders.ts";
import { openShop } from "../support/shop.ts";
import { paidOrderMatchOf, db, newOrderOf, NOW, storePaidOrder } from "../support/rows.ts";

const shop = await openShop();

describe("db orders", () => {
  test("findOrder and findOrderById find an order by number and id only", async () => {
    const order = newOrderOf(shop);
    const id = await insertOrder(db, order);
    expect(await findOrder(db, order.number)).toMatchObject({ id, payState: "waiting" });
    expect(await findOrderById(db, id)).toMatchObject({ number: order.number });
    expect(await findOrder(db, "f".repeat(32))).toBeNull();
    expect(await findOrderById(db, 999_999)).toBeNull();
  });

  test("insertOrder throws on a number in use", async () => {
    const order = newOrderOf(shop);
    await insertOrder(db, order);
    await expect(insertOrder(db, newOrderOf(shop, { number: order.number }))).rejects.toThrow();
  });
});

describe("I4: markOrderPaid", () => {
  test.for(["waiting", "failed"] as const)("marks a %s order paid", async (state) => {
    const order = newOrderOf(shop);
    await insertOrder(db, order);
    if (state === "failed") expect(await failOrder(db, order.number, NOW)).toBe(true);
    const paidRows = await markOrderPaid(db, paidOrderMatchOf(order), NOW + 5);
    expect(paidRows).toMatchObject({ payState: "paid", paidAt: NOW + 1, updatedAt: NOW + 5 });
  });

  test.for([
    ["merchant", { merchantId: 999 }],
    ["appid", { wechatAppId: "wxother" }],
    ["sign type", { signType: "MD5" }],
    ["amount", { totalFen: 99 }],
    ["number", { number: "f".repeat(32) }],
  ] as const)("changes nothing when the %s differs", async ([, changes]) => {
    const order = newOrderOf(shop);
    await insertOrder(db, order);
    const before = await findOrder(db, order.number);
    expect(await markOrderPaid(db, paidOrderMatchOf(order, changes), NOW)).toBeNull();
    expect(await findOrder(db, order.number)).toEqual(before);
  });

  test("succeeds for one of 20 concurrent calls", async () => {
    const order = newOrderOf(shop);
    await insertOrder(db, order);
    const paidRows = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, index) =>
          await markOrderPaid(db, paidOrderMatchOf(order, { transactionId: `T${index}` }), NOW),
      ),
    );
    expect(paidRows.filter((row) => row !== null)).toHaveLength(1);
  });

  test("ends in the same state in every order of payment, failure and app calls", async () => {
    const facts = fc.array(
      fc.constantFrom("pay", "fail", "contradict", "confirmed call", "failed call"),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(facts, async (arrivals) => {
        const order = newOrderOf(shop);
        await insertOrder(db, order);
        let paid = false;
        let calls = 0;
        for (const fact of arrivals) {
          if (fact === "pay") await markOrderPaid(db, paidOrderMatchOf(order), NOW);
          if (fact === "fail") await failOrder(db, order.number, NOW);
          if (fact === "contradict")
            await markOrderPaid(db, paidOrderMatchOf(order, { totalFen: 1 }), NOW);
          if (fact === "confirmed call" || fact === "failed call") {
            calls += 1;
            const call = { calls, confirmed: fact === "confirmed call", nextCallAt: NOW + calls };
            await recordPayDelivery(db, order.number, call, NOW);
          }
          const { payState } = (await findOrder(db, order.number)) ?? {};
          if (paid) expect(payState).toBe("paid");
          paid ||= payState === "paid";
        }
        const failed = arrivals.includes("fail") ? "failed" : "waiting";
        const called = calls > 0 ? "failing" : "none";
        const confirmed = arrivals.includes("confirmed call");
        expect(await findOrder(db, order.number)).toMatchObject({
          payState: arrivals.includes("pay") ? "paid" : failed,
          payNotifyState: confirmed ? "confirmed" : called,
          payNotifyNumber: calls,
          nextCallAt: confirmed || calls === 0 ? null : NOW + calls,
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("I4: failOrder", () => {
  test("leaves a paid order paid", async () => {
    const { number } = await storePaidOrder(shop);
    const before = await findOrder(db, number);
    expect(await failOrder(db, number, NOW + 9)).toBe(false);
    expect(await findOrder(db, number)).toEqual(before);
  });

  test("succeeds once per order", async () => {
    const order = newOrderOf(shop);
    await insertOrder(db, order);
    expect(await failOrder(db, order.number, NOW)).toBe(true);
    expect(await failOrder(db, order.number, NOW)).toBe(false);
  });
});

describe("recordPayDelivery", () => {
  test("never lowers the count or withdraws a confirmation when calls end out of order", async () => {
    const { number } = await storePaidOrder(shop);
    await recordPayDelivery(db, number, { calls: 3, confirmed: true, nextCallAt: null }, NOW);
    await recordPayDelivery(db, number, { calls: 2, confirmed: false, nextCallAt: NOW + 1 }, NOW);
    expect(await findOrder(db, number)).toMatchObject({
      payNotifyState: "confirmed",
      payNotifyNumber: 3,
      nextCallAt: null,
    });
  });
});
