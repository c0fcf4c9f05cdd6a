import { expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { openApp, openShop, paidOrder, viewOf } from "./support/shop.ts";

const WISH = {
  appOrderNo: "no-1",
  openId: "o-first-payer",
  desc: "图书",
  totalFree: 100,
  tag: "book",
  attach: "cart 42",
  clientIp: "203.0.113.7",
};

it("an order is asked for twice and made once", async (t) => {
  const shop = await openShop(t);
  const first = dataOf(await shop.app.createOrder(WISH));
  const second = dataOf(await shop.app.createOrder(WISH));
  // The caller's address may differ from call to call; only a given one is compared.
  const { clientIp: _, ...unaddressed } = WISH;
  const third = dataOf(await shop.app.createOrder(unaddressed));
  for (const again of [second, third]) {
    expect(again).toMatchObject({ orderNumber: first.orderNumber, orderId: first.orderId });
  }
  expect(await shop.sandbox.order(first.orderNumber)).toMatchObject({ prepayCalls: 3 });
  const byOwnNumber = dataOf(await shop.app.order({ appOrderNo: "no-1" }));
  expect(byOwnNumber).toMatchObject({ id: first.orderId, app_order_no: "no-1" });
});

it("20 requests at once for one number are one order", async (t) => {
  const shop = await openShop(t);
  const orders = await Promise.all(
    Array.from({ length: 20 }, async () => dataOf(await shop.app.createOrder(WISH))),
  );
  expect(new Set(orders.map(({ orderNumber }) => orderNumber)).size).toBe(1);
  expect(new Set(orders.map(({ orderId }) => orderId)).size).toBe(1);
});

it.for([
  ["openId", { openId: "o-second-payer" }],
  ["desc", { desc: "图书2" }],
  ["totalFree", { totalFree: 101 }],
  ["tag", { tag: "books" }],
  ["attach", { attach: "cart 43" }],
  ["clientIp", { clientIp: "203.0.113.8" }],
] as const)("another %s under the same number is refused by name", async ([name, change], t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder(WISH));
  const answer = await shop.app.createOrder({ ...WISH, ...change });
  expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining(name) });
  expect(await viewOf(shop, order)).toMatchObject({ total_free: 100, attach: "cart 42" });
  expect(await shop.sandbox.order(order.orderNumber)).toMatchObject({ prepayCalls: 1 });
});

it("two apps may use the same number", async (t) => {
  const shop = await openShop(t);
  const other = await openApp(t, shop);
  const one = dataOf(await shop.app.createOrder(WISH));
  const two = dataOf(await other.app.createOrder({ ...WISH, totalFree: 200 }));
  expect(two.orderNumber).not.toBe(one.orderNumber);
  expect(dataOf(await other.app.order({ appOrderNo: "no-1" }))).toMatchObject({ total_free: 200 });
});

it("another app's order can't be told from one that isn't there", async (t) => {
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
  for (const [anothers, nobodys] of pairs) {
    expect(anothers).toMatchObject({ code: 501, data: null });
    expect(anothers).toEqual(nobodys);
  }
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", ref_state: "0" });
  expect((await shop.sandbox.order(order.orderNumber)).refunds).toEqual([]);
});
