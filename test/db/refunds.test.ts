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
import { countRefundedFen } from "../../src/db/refund-day.ts";
import {
  findOrderOfApp,
  findOrderWithRefunds,
  findRefund,
  markRefundRefused,
  moveRefund,
  recordRefundDelivery,
  releaseRefund,
  reopenRefund,
} from "../../src/db/refunds.ts";
import type { RefundRow } from "../../src/db/rows.ts";
import { openShop, openSibling } from "../support/shop.ts";
import { db, newOrderOf, NOW, storePaidOrder, storeRefund } from "../support/rows.ts";

const shop = await openShop();

/** Without a limit of the day, and without an account. */
const TERMS = { fundsAccount: null, maxFenPerDay: null };

/** Stores a refund; throws if it is refused. */
async function stored(orderId: number, refundFen = 100): Promise<RefundRow> {
  const refund = await storeRefund(shop, orderId, refundFen);
  if (refund === null) throw new Error("the refund was not stored");
  return refund;
}

/** Stores a refund that WeChat refused and, by a query, doesn't have. */
async function storedFree(orderId: number, refundFen: number): Promise<RefundRow> {
  const { number } = await stored(orderId, refundFen);
  const refused = await markRefundRefused(db, number, "free", NOW);
  if (refused === null) throw new Error("the refund was not refused");
  return refused;
}

/** Moves a refund from any state that allows it. */
async function move(number: string, to: RefundRow["state"], refundId: string | null = null) {
  const change = { from: statesBefore(to), to, refundId, succeededAt: null };
  return await moveRefund(db, number, change, NOW + 1);
}

/** The sum of the order's live refunds. */
async function liveFenOf(orderId: number): Promise<number> {
  return (await listRefunds(db, orderId))
    .filter(isLive)
    .reduce((sum, { refundFen }) => sum + refundFen, 0);
}

describe("I7: findOrderOfApp", () => {
  test("returns an order with its refunds, oldest first, to its own app only", async () => {
    const { id } = await storePaidOrder(shop);
    const reference = { kind: "id", orderId: id } as const;
    const refunds = [await stored(id, 30), await stored(id, 20)];
    expect(await findOrderOfApp(db, shop.appId, reference)).toMatchObject({
      order: { id },
      refunds,
    });
    expect(await findOrderOfApp(db, (await openSibling(shop)).appId, reference)).toBeNull();
  });
});

describe("I1: insertRefund", () => {
  test("returns the row of a refund within the payment", async () => {
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

  test("refuses a refund of an unpaid, absent or another app's order", async () => {
    const waiting = await insertOrder(db, newOrderOf(shop));
    expect(await storeRefund(shop, waiting, 100)).toBeNull();
    expect(await storeRefund(shop, 999_999, 100)).toBeNull();
    const { id } = await storePaidOrder(shop);
    expect(await storeRefund(await openSibling(shop), id, 100)).toBeNull();
    expect(await listRefunds(db, id)).toEqual([]);
  });

  test("refuses an appRefundNo that the app has used", async () => {
    const [order, other] = [await storePaidOrder(shop), await storePaidOrder(shop)];
    expect(await storeRefund(shop, order.id, 40, "R-used")).not.toBeNull();
    expect(await storeRefund(shop, order.id, 40, "R-used")).toBeNull();
    expect(await storeRefund(shop, other.id, 40, "R-used")).toBeNull();
  });

  test("counts all refunds except closed ones against the payment", async () => {
    for (const state of ["refused", "accepted", "abnormal", "succeeded"] as const) {
      const { id } = await storePaidOrder(shop);
      await move((await stored(id)).number, state);
      expect(await storeRefund(shop, id, 1)).toBeNull();
    }
    const { id } = await storePaidOrder(shop);
    await move((await stored(id)).number, "closed");
    expect(await storeRefund(shop, id, 100)).not.toBeNull();
  });

  test("never exceeds the payment for any concurrent amounts", async () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(amounts, async (requested) => {
        const { id } = await storePaidOrder(shop);
        const rows = await Promise.all(
          requested.map(async (refundFen) => await storeRefund(shop, id, refundFen)),
        );
        const liveFen = await liveFenOf(id);
        expect(liveFen).toBeLessThanOrEqual(100);
        expect(rows.reduce((sum, row) => sum + (row?.refundFen ?? 0), 0)).toBe(liveFen);
        for (const [index, row] of rows.entries()) {
          if (row === null) expect(liveFen + (requested[index] ?? 0)).toBeGreaterThan(100);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("stores one of 50 concurrent full refunds", async () => {
    const { id } = await storePaidOrder(shop);
    const rows = await Promise.all(
      Array.from({ length: 50 }, async () => await storeRefund(shop, id, 100)),
    );
    expect(rows.filter((row) => row !== null)).toHaveLength(1);
  });
});

describe("insertRefund and reopenRefund, with a limit of the day", () => {
  test("never exceed it for any concurrent amounts of different orders", async () => {
    const amounts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(amounts, fc.integer({ min: 1, max: 600 }), async (requested, maxFen) => {
        const app = await openSibling(shop);
        const orders = await Promise.all(requested.map(async () => await storePaidOrder(app)));
        const rows = await Promise.all(
          orders.map(
            async ({ id }, at) => await storeRefund(app, id, requested[at] ?? 0, null, maxFen),
          ),
        );
        const fen = await countRefundedFen(db, app.appId, NOW);
        expect(fen).toBeLessThanOrEqual(maxFen);
        expect(fen).toBe(rows.reduce((sum, row) => sum + (row?.refundFen ?? 0), 0));
        for (const [at, row] of rows.entries()) {
          if (row === null) expect(fen + (requested[at] ?? 0)).toBeGreaterThan(maxFen);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("reopen 3 of 8 refused refunds at once, and none that isn't refused", async () => {
    const app = await openSibling(shop);
    const refused: RefundRow[] = [];
    for (let at = 0; at < 8; at += 1) {
      const { id } = await storePaidOrder(app);
      const row = await storeRefund(app, id, 40);
      if (row === null) throw new Error("the refund was not stored");
      await move(row.number, "refused");
      refused.push(row);
    }
    expect(await countRefundedFen(db, app.appId, NOW)).toBe(0);
    const reopened = await Promise.all(
      refused.map(
        async (row) => await reopenRefund(db, row, { ...TERMS, maxFenPerDay: 159 }, NOW + 2),
      ),
    );
    const open = reopened.filter((row) => row !== null);
    expect(open).toHaveLength(3);
    expect(open[0]).toMatchObject({ state: "requested", resentAt: NOW + 2, updatedAt: NOW + 2 });
    expect(await countRefundedFen(db, app.appId, NOW)).toBe(120);
    for (const row of open) expect(await reopenRefund(db, row, TERMS, NOW)).toBeNull();
  });
});

describe("I1: a refused refund's amount", () => {
  test("is held until it is released, and can then be taken once", async () => {
    const { id } = await storePaidOrder(shop);
    const refund = await stored(id);
    const { number } = refund;
    await markRefundRefused(db, number, null, NOW);
    expect(await storeRefund(shop, id, 1)).toBeNull();
    await releaseRefund(db, number, NOW);
    expect(await storeRefund(shop, id, 70)).not.toBeNull();
    expect(await findRefund(db, number)).toMatchObject({ state: "refused", released: "taken" });
    expect(await reopenRefund(db, refund, TERMS, NOW)).toBeNull();
    expect(await liveFenOf(id)).toBe(70);
  });

  test("stays the refund's own while another one leaves it", async () => {
    const { id } = await storePaidOrder(shop);
    const free = await storedFree(id, 30);
    await stored(id, 70);
    expect(await findRefund(db, free.number)).toMatchObject({ released: "free" });
    expect(await reopenRefund(db, free, TERMS, NOW)).toMatchObject({
      state: "requested",
      released: null,
    });
    expect(await reopenRefund(db, free, TERMS, NOW)).toBeNull();
    expect(await liveFenOf(id)).toBe(100);
  });

  test("is never given back by the refund that took it", async () => {
    const { id } = await storePaidOrder(shop);
    const free = await storedFree(id, 100);
    const taker = await stored(id, 60);
    await move(taker.number, "closed");
    expect(await reopenRefund(db, free, TERMS, NOW)).toBeNull();
    expect(await storeRefund(shop, id, 100)).not.toBeNull();
  });

  test("isn't marked as taken by a refund that wasn't stored", async () => {
    const { id } = await storePaidOrder(shop);
    const free = await storedFree(id, 100);
    expect(await storeRefund(shop, id, 101)).toBeNull();
    expect(await findRefund(db, free.number)).toMatchObject({ released: "free" });
  });

  test("goes either to a new refund or back to its own, when both want it at once", async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id } = await storePaidOrder(shop);
      const refund = await storedFree(id, 100);
      const both = [
        async () => await storeRefund(shop, id, 70),
        async () => await reopenRefund(db, refund, TERMS, NOW),
      ];
      const order = round % 2 === 0 ? both : both.toReversed();
      const won = await Promise.all(order.map(async (attempt) => await attempt()));
      expect(won.filter((row) => row !== null)).toHaveLength(1);
      expect(await liveFenOf(id)).toBeLessThanOrEqual(100);
    }
  });

  test("counts again once WeChat reports the refund after all", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await storedFree(id, 40);
    expect(await move(number, "accepted")).toMatchObject({ released: null });
    expect(await liveFenOf(id)).toBe(40);
  });
});

describe("I4: moveRefund", () => {
  test("keeps WeChat's refund id and resets the delivery to none", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "accepted", "50001");
    await move(number, "abnormal");
    const call = {
      calls: 1,
      confirmed: false,
      nextCallAt: NOW + 9,
      delivered: "abnormal",
    } as const;
    await recordRefundDelivery(db, number, call, NOW);
    expect(await findRefund(db, number)).toMatchObject({
      refundId: "50001",
      notifyState: "failing",
      nextCallAt: NOW + 9,
    });
    expect(await move(number, "succeeded")).toMatchObject({
      refundId: "50001",
      notifyState: "none",
      notifyNumber: 1,
      nextCallAt: null,
    });
  });

  test("succeeds for one of 20 concurrent calls", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    const moved = await Promise.all(
      Array.from({ length: 20 }, async () => await move(number, "succeeded")),
    );
    expect(moved.filter((row) => row !== null)).toHaveLength(1);
  });

  test("ends in the same state in every order and repetition of the reports", async () => {
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

describe("recordRefundDelivery", () => {
  test("only counts a call that delivered an earlier state", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "abnormal");
    await move(number, "succeeded");
    const call = {
      calls: 1,
      confirmed: false,
      nextCallAt: NOW + 9,
      delivered: "abnormal",
    } as const;
    await recordRefundDelivery(db, number, call, NOW);
    expect(await findRefund(db, number)).toMatchObject({
      notifyState: "none",
      notifyNumber: 1,
      nextCallAt: null,
    });
  });

  test("never lowers the count or withdraws a confirmation", async () => {
    const { id } = await storePaidOrder(shop);
    const { number } = await stored(id);
    await move(number, "succeeded");
    const delivered = "succeeded" as const;
    const confirmed = { calls: 2, confirmed: true, nextCallAt: null, delivered };
    const failed = { calls: 1, confirmed: false, nextCallAt: NOW + 9, delivered };
    await recordRefundDelivery(db, number, confirmed, NOW);
    await recordRefundDelivery(db, number, failed, NOW);
    expect(await findRefund(db, number)).toMatchObject({
      notifyState: "confirmed",
      notifyNumber: 2,
      nextCallAt: null,
    });
  });
});
