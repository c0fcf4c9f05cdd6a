import { describe, expect, test } from "vitest";
import { failOrder, insertOrder, recordPayDelivery } from "../../src/db/orders.ts";
import type { OrderFilter } from "../../src/db/order-filter.ts";
import { listOrders, listRefunds } from "../../src/db/order-list.ts";
import { openShop, openSibling } from "../support/shop.ts";
import { db, newOrderOf, NOW, storePaidOrder, storeRefund } from "../support/rows.ts";

const LAST = Number.MAX_SAFE_INTEGER;

/** The ids of the orders that match the filter. */
async function ids(filter: OrderFilter, beforeId = LAST, limit = 100): Promise<number[]> {
  const page = await listOrders(db, filter, { beforeId, limit });
  if (!page.ok) throw new Error("only sums are refused");
  return page.value.items.map(({ id }) => id);
}

describe("listOrders", () => {
  test("lists the newest first, before the cursor", async () => {
    const { appId, ...shop } = await openShop();
    const orderIds: number[] = [];
    for (let count = 0; count < 3; count += 1) {
      orderIds.push(await insertOrder(db, newOrderOf({ appId, ...shop })));
    }
    const [first = 0, second = 0, third = 0] = orderIds;
    expect(await ids({ appId })).toEqual([third, second, first]);
    expect(await ids({ appId }, LAST, 2)).toEqual([third, second]);
    expect(await ids({ appId }, second, 2)).toEqual([first]);
    expect(await ids({ appId }, first)).toEqual([]);
  });

  test("filters by each condition and by all together", async () => {
    const shop = await openShop();
    const sibling = await openSibling(shop);
    const { appId, merchantId } = shop;
    const early = newOrderOf(shop, { appOrderNo: "L-1", createdAt: NOW - 10 });
    const waiting = await insertOrder(db, early);
    const failed = newOrderOf(shop);
    const failedId = await insertOrder(db, failed);
    await failOrder(db, failed.number, NOW);
    const paid = await storePaidOrder(shop);
    const call = { calls: 1, confirmed: false, nextCallAt: NOW + 1 };
    await recordPayDelivery(db, paid.number, call, NOW);
    const other = await storePaidOrder(sibling);

    expect(await ids({ merchantId })).toEqual([other.id, paid.id, failedId, waiting]);
    expect(await ids({ appId: sibling.appId })).toEqual([other.id]);
    expect(await ids({ appId, payState: "waiting" })).toEqual([waiting]);
    expect(await ids({ appId, payState: "failed" })).toEqual([failedId]);
    expect(await ids({ merchantId, payState: "paid" })).toEqual([other.id, paid.id]);
    expect(await ids({ merchantId, payNotifyState: "failing" })).toEqual([paid.id]);
    expect(await ids({ number: failed.number })).toEqual([failedId]);
    expect(await ids({ appOrderNo: "L-1" })).toEqual([waiting]);
    expect(await ids({ appId, createdFrom: NOW })).toEqual([paid.id, failedId]);
    expect(await ids({ appId, createdBefore: NOW })).toEqual([waiting]);
    expect(await ids({ appId, createdFrom: NOW - 10, createdBefore: NOW })).toEqual([waiting]);
    expect(await ids({ appId: sibling.appId, payState: "waiting" })).toEqual([]);
  });
});

test("listRefunds lists only the order's refunds, oldest first", async () => {
  const shop = await openShop();
  const [order, other] = [await storePaidOrder(shop), await storePaidOrder(shop)];
  const first = await storeRefund(shop, order.id, 10);
  const second = await storeRefund(shop, order.id, 20);
  await storeRefund(shop, other.id, 30);
  expect(await listRefunds(db, order.id)).toEqual([first, second]);
});
