import { afterEach, describe, expect, test } from "vitest";
import { recordPayDelivery, insertOrder } from "../../src/db/orders.ts";
import type { Page, ScanWindow } from "../../src/db/scan-page.ts";
import { overduePayments, unfinishedOrders } from "../../src/db/scans.ts";
import { copyOrder } from "../support/copies.ts";
import { interceptD1 } from "../support/d1.ts";
import { db, newOrderOf, NOW, storePaidOrder } from "../support/rows.ts";
import { closeScene } from "../support/scene.ts";
import { openShop, openSibling, type Shop } from "../support/shop.ts";

afterEach(closeScene);

const shop = await openShop();

/** A paid order of the app, whose next call is due at this time. */
async function storeFailingOrder({ appId }: Shop, nextCallAt: number) {
  const order = await storePaidOrder({ ...shop, appId });
  const call = { calls: 1, confirmed: false, nextCallAt };
  await recordPayDelivery(db, order.number, call, NOW);
  return order;
}

/** The rows that a statement read; 0 for one that doesn't tell. */
function rowsReadOf(result: unknown): number {
  const meta: unknown = Reflect.get(Object(result), "meta");
  const rows: unknown = Reflect.get(Object(meta), "rows_read");
  return typeof rows === "number" ? rows : 0;
}

/** Reads a page, and counts the rows that D1 read for it. */
async function readCounted(read: () => Promise<Page>): Promise<{ page: Page; rows: number }> {
  let rows = 0;
  interceptD1(async (_statements, execute) => {
    const result = await execute();
    rows += rowsReadOf(result);
    return result;
  });
  const page = await read();
  closeScene();
  return { page, rows };
}

describe("overduePayments", () => {
  test("gives each app an equal part, the oldest first, and continues after its place", async () => {
    const [first, second] = [await openSibling(shop), await openSibling(shop)];
    await copyOrder(await storeFailingOrder(first, NOW), 9);
    const own = [await storeFailingOrder(second, NOW + 5), await storeFailingOrder(second, NOW)];
    const window: ScanWindow = { from: 0, behind: [], before: NOW + 6, limit: 6 };
    const { candidates } = await overduePayments(db, window);
    const of = (app: Shop) => candidates.filter(({ appId }) => appId === app.appId);
    expect(of(first).map(({ found }) => found)).toEqual([7, 7, 7, 7]);
    expect(of(second).map(({ number }) => number)).toEqual(
      own.toReversed().map(({ number }) => number),
    );
    const last = of(first).at(-1);
    if (last === undefined) throw new Error("no candidate");
    const behind = [{ appId: first.appId, at: last.at, id: last.id }];
    const rest = await overduePayments(db, { ...window, behind, limit: 99 });
    const visited = new Set(candidates.map(({ id }) => id));
    const others = rest.candidates.filter(({ appId }) => appId === first.appId);
    expect(others).toHaveLength(6);
    expect(others.some(({ id }) => visited.has(id))).toBe(false);
  });

  test("doesn't read calls that are due later, nor more rows than a page needs", async () => {
    const app = await openSibling(shop);
    const before = NOW - 1_000;
    await copyOrder(await storeFailingOrder(app, NOW + 1), 5_000);
    await copyOrder(await storeFailingOrder(app, NOW - 2_000), 5_000);
    const { page, rows } = await readCounted(
      async () => await overduePayments(db, { from: 0, behind: [], before, limit: 20 }),
    );
    expect(page.candidates).toHaveLength(20);
    expect(rows).toBeLessThan(400);
  });
});

describe("unfinishedOrders", () => {
  test("reads an app that is behind at its own place, a part at a time", async () => {
    const [slow, busy] = [await openSibling(shop), await openSibling(shop)];
    const first = await insertOrder(db, newOrderOf(slow));
    const filler = await insertOrder(db, newOrderOf(busy));
    await copyOrder({ id: filler }, 25_000, { pay_state: "'failed'" });
    const second = await insertOrder(db, newOrderOf(slow));
    const own = await insertOrder(db, newOrderOf(busy));
    const { appId } = slow;
    const window = { from: own, before: NOW + 1, limit: 10 };
    const page = await unfinishedOrders(db, { ...window, behind: [{ appId, at: first, id: 0 }] });
    expect(page.candidates.map(({ id }) => id)).toEqual([first, own]);
    expect(page).toMatchObject({ end: own + 1, stops: [{ appId, at: first + 20_000, id: 0 }] });
    const { page: next, rows } = await readCounted(
      async () => await unfinishedOrders(db, { ...window, behind: page.stops }),
    );
    expect(next.candidates.map(({ id }) => id)).toEqual([second, own]);
    expect(next.stops).toEqual([]);
    expect(rows).toBeLessThan(6_000);
    const after = [{ appId, at: first, id: first }];
    const { candidates } = await unfinishedOrders(db, { ...window, behind: after });
    expect(candidates.map(({ id }) => id)).toEqual([own]);
  });
});
