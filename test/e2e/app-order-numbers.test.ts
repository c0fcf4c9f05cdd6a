import { expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { paidOrder, viewOf } from "../../testkit/shop.ts";
import { openApp, openShop } from "./support/shop.ts";

const ORDER = {
  appOrderNo: "no-1",
  openId: "o-first-payer",
  desc: "图书",
  totalFree: 100,
  tag: "book",
  attach: "cart 42",
  clientIp: "203.0.113.7",
};

test("appOrderNo: a repeated request returns the first order", async (t) => {
  const shop = await openShop(t);
  const first = dataOf(await shop.app.createOrder(ORDER));
  const second = dataOf(await shop.app.createOrder(ORDER));
  // The caller's address may differ between calls; it is compared only if the app sends it.
  const { clientIp: _, ...unaddressed } = ORDER;
  const third = dataOf(await shop.app.createOrder(unaddressed));
  for (const again of [second, third]) {
    expect(again).toMatchObject({ orderNumber: first.orderNumber, orderId: first.orderId });
  }
  expect(await shop.sandbox.order(first.orderNumber)).toMatchObject({ prepayCalls: 3 });
  const byAppOrderNo = dataOf(await shop.app.order({ appOrderNo: "no-1" }));
  expect(byAppOrderNo).toMatchObject({ id: first.orderId, app_order_no: "no-1" });
});

test("appOrderNo: 20 concurrent requests create one order", async (t) => {
  const shop = await openShop(t);
  const orders = await Promise.all(
    Array.from({ length: 20 }, async () => dataOf(await shop.app.createOrder(ORDER))),
  );
  expect(new Set(orders.map(({ orderNumber }) => orderNumber)).size).toBe(1);
  expect(new Set(orders.map(({ orderId }) => orderId)).size).toBe(1);
});

test.for([
  ["openId", { openId: "o-second-payer" }],
  ["desc", { desc: "图书2" }],
  ["totalFree", { totalFree: 101 }],
  ["tag", { tag: "books" }],
  ["attach", { attach: "cart 43" }],
  ["clientIp", { clientIp: "203.0.113.8" }],
] as const)(
  "appOrderNo: another %s under the same number is refused by name",
  async ([name, change], t) => {
    const shop = await openShop(t);
    const order = dataOf(await shop.app.createOrder(ORDER));
    const answer = await shop.app.createOrder({ ...ORDER, ...change });
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining(name) });
    expect(await viewOf(shop, order)).toMatchObject({ total_free: 100, attach: "cart 42" });
    expect(await shop.sandbox.order(order.orderNumber)).toMatchObject({ prepayCalls: 1 });
  },
);

test("appOrderNo: two apps may use the same number", async (t) => {
  const shop = await openShop(t);
  const other = await openApp(t, shop);
  const one = dataOf(await shop.app.createOrder(ORDER));
  const two = dataOf(await other.app.createOrder({ ...ORDER, totalFree: 200 }));
  expect(two.orderNumber).not.toBe(one.orderNumber);
  expect(dataOf(await other.app.order({ appOrderNo: "no-1" }))).toMatchObject({ total_free: 200 });
});

test("another app's order gets the same answers as an unknown order", async (t) => {
  const shop = await openShop(t);
  const other = await openApp(t, shop);
  const order = await paidOrder(shop, { appOrderNo: "no-1" });
  const absent = order.orderId + 1_000_000;
  const { app } = other;
  const pairs = [
    [await app.order({ order_id: order.orderId }), await app.order({ order_id: absent })],
    [await app.order({ appOrderNo: "no-1" }), await app.order({ appOrderNo: "no-2" })],
    [
      await app.order({ order_id: order.orderId, sync: 1 }),
      await app.order({ order_id: absent, sync: 1 }),
    ],
    [await app.refund(order.orderId), await app.refund(absent)],
  ];
  for (const [foreign, unknown] of pairs) {
    expect(foreign).toMatchObject({ code: 501, data: null });
    expect(foreign).toEqual(unknown);
  }
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", ref_state: "0" });
  expect((await shop.sandbox.order(order.orderNumber)).refunds).toEqual([]);
});
