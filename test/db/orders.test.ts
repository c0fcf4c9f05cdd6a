import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  markOrderPaid,
  failOrder,
  findOrder,
  findOrderById,
  findOrderView,
  insertOrder,
  recordPayDelivery,
} from "../../src/db/orders.ts";
import { openShop, openSibling } from "../support/shop.ts";
import {
  paidOrderMatchOf,
  db,
  newOrderOf,
  NOW,
  storePaidOrder,
  storeRefund,
} from "../support/rows.ts";

const shop = await openShop();

describe("an order", () => {
  test("is found by its number and its id, and by nothing else", async () => {
    const draft = newOrderOf(shop);
    const id = await insertOrder(db, draft);
    expect(await findOrder(db, draft.number)).toMatchObject({ id, payState: "waiting" });
    expect(await findOrderById(db, id)).toMatchObject({ number: draft.number });
    expect(await findOrder(db, "f".repeat(32))).toBeNull();
    expect(await findOrderById(db, 999_999)).toBeNull();
  });

  test("can't have a number that another one has", async () => {
    const draft = newOrderOf(shop);
    await insertOrder(db, draft);
    await expect(insertOrder(db, newOrderOf(shop, { number: draft.number }))).rejects.toThrow();
  });

  test("is shown to its own app only", async () => {
    const { id } = await storePaidOrder(shop);
    const sibling = await openSibling(shop);
    const reference = { kind: "id", orderId: id } as const;
    expect(await findOrderView(db, shop.appId, reference)).toMatchObject({ order: { id } });
    expect(await findOrderView(db, sibling.appId, reference)).toBeNull();
  });

  test("is shown with its latest refund and the sum of those that hold money", async () => {
    const { id } = await storePaidOrder(shop);
    const reference = { kind: "id", orderId: id } as const;
    expect(await findOrderView(db, shop.appId, reference)).toMatchObject({
      refund: null,
      refundingFen: 0,
    });
    await storeRefund(shop, id, 30);
    const latest = await storeRefund(shop, id, 20);
    expect(await findOrderView(db, shop.appId, reference)).toMatchObject({
      refund: { id: latest?.id },
      refundingFen: 50,
    });
  });
});

describe("booking a payment", () => {
  test.for(["waiting", "failed"] as const)("makes a %s order paid", async (state) => {
    const draft = newOrderOf(shop);
    await insertOrder(db, draft);
    if (state === "failed") expect(await failOrder(db, draft.number, NOW)).toBe(true);
    const booked = await markOrderPaid(db, paidOrderMatchOf(draft), NOW + 5);
    expect(booked).toMatchObject({ payState: "paid", paidAt: NOW + 1, updatedAt: NOW + 5 });
  });

  test.for([
    ["merchant", { merchantId: 999 }],
    ["appid", { wechatAppId: "wxother" }],
    ["sign type", { signType: "MD5" }],
    ["amount", { totalFen: 99 }],
    ["number", { number: "f".repeat(32) }],
  ] as const)("with another %s changes nothing", async ([, changes]) => {
    const draft = newOrderOf(shop);
    await insertOrder(db, draft);
    const before = await findOrder(db, draft.number);
    expect(await markOrderPaid(db, paidOrderMatchOf(draft, changes), NOW)).toBeNull();
    expect(await findOrder(db, draft.number)).toEqual(before);
  });

  test("by many at once succeeds for one", async () => {
    const draft = newOrderOf(shop);
    await insertOrder(db, draft);
    const booked = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, index) =>
          await markOrderPaid(db, paidOrderMatchOf(draft, { transactionId: `T${index}` }), NOW),
      ),
    );
    expect(booked.filter((row) => row !== null)).toHaveLength(1);
  });

  test("ends the same in whatever order its news and the order's failure arrive", async () => {
    const facts = fc.array(fc.constantFrom("book", "fail", "wrong", "told", "failed call"), {
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(facts, async (arriving) => {
        const draft = newOrderOf(shop);
        await insertOrder(db, draft);
        let paid = false;
        let calls = 0;
        for (const fact of arriving) {
          if (fact === "book") await markOrderPaid(db, paidOrderMatchOf(draft), NOW);
          if (fact === "fail") await failOrder(db, draft.number, NOW);
          if (fact === "wrong")
            await markOrderPaid(db, paidOrderMatchOf(draft, { totalFen: 1 }), NOW);
          if (fact === "told" || fact === "failed call") {
            calls += 1;
            const call = { calls, confirmed: fact === "told" };
            await recordPayDelivery(db, draft.number, call, NOW);
          }
          const { payState } = (await findOrder(db, draft.number)) ?? {};
          if (paid) expect(payState).toBe("paid");
          paid ||= payState === "paid";
        }
        const failed = arriving.includes("fail") ? "failed" : "waiting";
        const called = calls > 0 ? "failing" : "none";
        expect(await findOrder(db, draft.number)).toMatchObject({
          payState: arriving.includes("book") ? "paid" : failed,
          payNotifyState: arriving.includes("told") ? "confirmed" : called,
          payNotifyNumber: calls,
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("failing an order", () => {
  test("that is paid leaves it paid", async () => {
    const { number } = await storePaidOrder(shop);
    const before = await findOrder(db, number);
    expect(await failOrder(db, number, NOW + 9)).toBe(false);
    expect(await findOrder(db, number)).toEqual(before);
  });

  test("happens once", async () => {
    const draft = newOrderOf(shop);
    await insertOrder(db, draft);
    expect(await failOrder(db, draft.number, NOW)).toBe(true);
    expect(await failOrder(db, draft.number, NOW)).toBe(false);
  });
});

describe("recording a call to the app", () => {
  test("that ends after a later one never counts back, nor takes a confirmation away", async () => {
    const { number } = await storePaidOrder(shop);
    await recordPayDelivery(db, number, { calls: 3, confirmed: true }, NOW);
    await recordPayDelivery(db, number, { calls: 2, confirmed: false }, NOW);
    expect(await findOrder(db, number)).toMatchObject({
      payNotifyState: "confirmed",
      payNotifyNumber: 3,
    });
  });
});
