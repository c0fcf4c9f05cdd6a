import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isLive,
  reportedState,
  statesBefore,
  type ReportedStatus,
} from "../../src/domain/refund.ts";
import { insertOrder } from "../../src/db/orders.ts";
import { listRefunds } from "../../src/db/order-list.ts";
import {
  findOrderWithRefunds,
  findRefund,
  moveRefund,
  recordRefundDelivery,
} from "../../src/db/refunds.ts";
import type { RefundRow } from "../../src/db/rows.ts";
import { openShop, openSibling } from "../support/shop.ts";
import { db, newOrderOf, NOW, storePaidOrder, storeRefund } from "../support/rows.ts";

const shop = await openShop();

/** Stores a refund that must be possible. */
async function stored(orderId: number, refundFen = 100): Promise<RefundRow> {
  const refund = await storeRefund(shop, orderId, refundFen);
  if (refund === null) throw new Error("the refund was not stored");
  return refund;
}

/** Moves a refund as the rules of its life allow. */
async function move(number: string, to: RefundRow["state"], refundId: string | null = null) {
  const change = { from: statesBefore(to), to, refundId, succeededAt: null };
  return await moveRefund(db, number, change, NOW + 1);
}

/** What the live refunds of an order come to. */
async function heldOf(orderId: number): Promise<number> {
  return (await listRefunds(db, orderId))
    .filter(({ state }) => isLive(state))
    .reduce((sum, { refundFen }) => sum + refundFen, 0);
}

describe("storing a refund", () => {
  test("of what was paid gives its row", async () => {
    const { id, number } = await storePaidOrder(shop);
    const refund = await stored(id);
    expect(refund).toMatchObject({
      orderId: id,
      appId: shop.appId,
      refundFen: 100,
      state: "requested",
      refundId: null,
      notifyState: "none",
      notifyNumber: 0,
      createdAt: NOW,
    });
    expect(await findRefund(db, refund.number)).toEqual(refund);
    expect(await findOrderWithRefunds(db, number)).toMatchObject({ refunds: [refund] });
  });

  test("of an order that isn't paid, isn't there or isn't the app's stores nothing", async () => {
    const waiting = await insertOrder(db, newOrderOf(shop));
    expect(await storeRefund(shop, waiting, 100)).toBeNull();
    expect(await storeRefund(shop, 999_999, 100)).toBeNull();
    const { id } = await storePaidOrder(shop);
    expect(await storeRefund(await openSibling(shop), id, 100)).toBeNull();
    expect(await listRefunds(db, id)).toEqual([]);
  });

  test("under a number that the app has used stores nothing", async () => {
    const [one, other] = [await storePaidOrder(shop), await storePaidOrder(shop)];
    expect(await storeRefund(shop, one.id, 40, "R-used")).not.toBeNull();
    expect(await storeRefund(shop, one.id, 40, "R-used")).toBeNull();
    expect(await storeRefund(shop, other.id, 40, "R-used")).toBeNull();
  });

  test("counts all but closed ones against what was paid", async () => {
    for (const state of ["refused", "accepted", "abnormal", "succeeded"] as const) {
      const { id } = await storePaidOrder(shop);
      await move((await stored(id)).number, state);
      expect(await storeRefund(shop, id, 1)).toBeNull();
    }
    const { id } = await storePaidOrder(shop);
    await move((await stored(id)).number, "closed");
    expect(await storeRefund(shop, id, 100)).not.toBeNull();
  });

  test("by many at once never passes what was paid", async () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(amounts, async (wishes) => {
        const { id } = await storePaidOrder(shop);
        const order = await Promise.all(
          wishes.map(async (refundFen) => await storeRefund(shop, id, refundFen)),
        );
        const held = await heldOf(id);
        expect(held).toBeLessThanOrEqual(100);
        expect(order.reduce((sum, row) => sum + (row?.refundFen ?? 0), 0)).toBe(held);
        for (const [index, row] of order.entries()) {
          if (row === null) expect(held + (wishes[index] ?? 0)).toBeGreaterThan(100);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("of all that was paid, fifty times at once, stores one", async () => {
    const { id } = await storePaidOrder(shop);
    const order = await Promise.all(
      Array.from({ length: 50 }, async () => await storeRefund(shop, id, 100)),
    );
    expect(order.filter((row) => row !== null)).toHaveLength(1);
  });
});

describe("moving a refund", () => {
  test("keeps WeChat's number once it is known, and forgets that the app was told", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "accepted", "50001");
    await move(number, "abnormal");
    const call = { calls: 1, confirmed: true, delivered: "abnormal" } as const;
    await recordRefundDelivery(db, number, call, NOW);
    expect(await findRefund(db, number)).toMatchObject({
      refundId: "50001",
      notifyState: "confirmed",
    });
    expect(await move(number, "succeeded")).toMatchObject({
      refundId: "50001",
      notifyState: "none",
      notifyNumber: 1,
    });
  });

  test("by many at once happens once", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    const moved = await Promise.all(
      Array.from({ length: 20 }, async () => await move(number, "succeeded")),
    );
    expect(moved.filter((row) => row !== null)).toHaveLength(1);
  });

  test("ends the same in whatever order the same reports arrive, repeated or not", async () => {
    const histories = fc.constantFrom<ReportedStatus[]>(
      ["processing", "succeeded"],
      ["processing", "closed"],
      ["processing", "abnormal", "succeeded"],
      ["processing", "abnormal", "closed"],
      ["processing", "abnormal"],
    );
    const arrivals = histories.chain((history) =>
      fc.tuple(
        fc.constant(history.at(-1) ?? "processing"),
        fc.shuffledSubarray([...history, ...history], { minLength: history.length * 2 }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(arrivals, async ([last, reports]) => {
        const { id } = await storePaidOrder(shop);
        const { number } = await stored(id);
        for (const status of reports) await move(number, reportedState(status));
        expect((await findRefund(db, number))?.state).toBe(reportedState(last));
      }),
      { numRuns: 40 },
    );
  });
});

describe("recording a call to the app about a refund", () => {
  test("that told old news only counts", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "abnormal");
    await move(number, "succeeded");
    const call = { calls: 1, confirmed: true, delivered: "abnormal" } as const;
    await recordRefundDelivery(db, number, call, NOW);
    expect(await findRefund(db, number)).toMatchObject({ notifyState: "none", notifyNumber: 1 });
  });

  test("never counts back, nor takes a confirmation away", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "succeeded");
    const told = "succeeded" as const;
    await recordRefundDelivery(db, number, { calls: 2, confirmed: true, delivered: told }, NOW);
    await recordRefundDelivery(db, number, { calls: 1, confirmed: false, delivered: told }, NOW);
    expect(await findRefund(db, number)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 2,
    });
  });
});
