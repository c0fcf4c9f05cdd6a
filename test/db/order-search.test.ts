import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { MAX_ROWS_PER_PAGE, MAX_SUMMED_ROWS } from "../../src/db/id-range.ts";
import type { OrderFilter } from "../../src/db/order-filter.ts";
import { isKnownNumber, listOrders } from "../../src/db/order-list.ts";
import { listAllRefunds, type RefundFilter } from "../../src/db/refund-list.ts";
import { insertOrder, markOrderPaid } from "../../src/db/orders.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { rowsReadBy, storeManyOrders } from "../support/many-orders.ts";
import { openShop, openSibling, type Shop } from "../support/shop.ts";
import {
  db,
  newOrderOf,
  NOW,
  paidOrderMatchOf,
  storePaidOrder,
  storeRefund,
} from "../support/rows.ts";

const LAST = Number.MAX_SAFE_INTEGER;
const DAY_MS = 24 * 3600_000;
/** Two pages' share of rows, and then some. */
const MANY = 2 * MAX_ROWS_PER_PAGE + 1_000;
/** The times of the many orders: one each second, long ago. */
const LONG_AGO = NOW - 400 * DAY_MS;

let busy: Shop;
let rare: Shop;
let rareOrder: { readonly id: number; readonly number: string };

beforeAll(async () => {
  busy = await openShop();
  rare = await openShop();
  const draft = newOrderOf(rare, { createdAt: LONG_AGO - DAY_MS, appOrderNo: "RARE-1" });
  rareOrder = { id: await insertOrder(db, draft), number: draft.number };
  await storeManyOrders(busy, {
    count: MANY,
    createdAt: LONG_AGO,
    everyMs: 1_000,
    payState: "case when n % 2 then 'paid' else 'failed' end",
    payNotifyState: "case when n <= 10 then 'failing' else 'confirmed' end",
    appOrderNo: "'BUSY-' || n",
  });
});

/** Reads all pages. Returns the ids, the number of pages and the most rows that a trip read. */
async function readAll(filter: OrderFilter, limit = 100) {
  const ids: number[] = [];
  let pages = 0;
  const rowsRead = await rowsReadBy(async () => {
    let beforeId: number | null = LAST;
    while (beforeId !== null) {
      const page = await listOrders(db, filter, { beforeId, limit });
      if (!page.ok) throw new Error("only sums are refused");
      ids.push(...page.value.items.map(({ id }) => id));
      expect(page.value.items.length).toBeLessThanOrEqual(limit);
      beforeId = page.value.nextCursor;
      pages += 1;
    }
  });
  return { ids, pages, mostRead: Math.max(...rowsRead), trips: rowsRead.length };
}

async function idsOf(filter: OrderFilter): Promise<number[]> {
  return (await readAll(filter)).ids;
}

async function sumsOf(filter: OrderFilter) {
  const page = await listOrders(db, filter, { beforeId: LAST, limit: 1 }, true);
  return page.ok ? page.value.sums : page.error;
}

/** Reads of indexes and subqueries besides the page's rows. */
const BESIDES = 200;

describe("listOrders, among many orders", () => {
  test.for<readonly [string, OrderFilter, pages: number]>([
    ["an app's number without an app", { appOrderNo: "RARE-1" }, 1],
    ["an app's number by q", { q: "RARE-1" }, 1],
    ["a number that nobody has", { q: "4200000000000000000000000000" }, 1],
    ["an old day", { createdFrom: LONG_AGO - 2 * DAY_MS, createdBefore: LONG_AGO - 3600_000 }, 1],
    ["a day without orders", { createdFrom: LONG_AGO + 30 * DAY_MS }, 1],
    ["failing ones, few", { payNotifyState: "failing" }, 1],
    ["abnormal refunds, none", { refundState: "abnormal" }, 1],
    ["payments of a minute", { paidFrom: LONG_AGO + 60_000, paidBefore: LONG_AGO + 120_000 }, 1],
    ["a payer that nobody knows", { openId: "nobody" }, 1],
    ["a rare amount", { totalFen: 7 }, 3],
    ["a rare app, by q of another", { totalFen: 7, appOrderNo: "BUSY-1" }, 1],
  ])("looks at a bounded number of rows: %s", async ([, filter, pages]) => {
    const read = await readAll(filter);
    expect(read.pages).toBe(pages);
    expect(read.mostRead).toBeLessThan(MAX_ROWS_PER_PAGE + BESIDES + 100);
    expect(read.trips).toBeLessThanOrEqual(2 * pages);
  });

  test("finds the order of a rare app in short pages, which name the next one", async () => {
    const { ids, pages, mostRead } = await readAll({ appId: rare.appId });
    expect(ids).toEqual([rareOrder.id]);
    expect(pages).toBe(Math.ceil((MANY + 1) / MAX_ROWS_PER_PAGE));
    expect(mostRead).toBeLessThanOrEqual(MAX_ROWS_PER_PAGE + BESIDES);
  });

  test("finds payments in a range of ids when they are too many for their index", async () => {
    const all = await readAll({ paidFrom: LONG_AGO, merchantId: busy.merchantId }, 1_000);
    expect(all.ids).toHaveLength(MANY / 2);
    expect(all.mostRead).toBeLessThan(2 * MAX_ROWS_PER_PAGE);
    const paidFrom = LONG_AGO + 1_000_000;
    expect(await idsOf({ paidFrom, payState: "paid", merchantId: busy.merchantId })).toEqual(
      all.ids.filter((id) => id - rareOrder.id > 940),
    );
  });

  test("refuses sums over more rows than it looks at, and names the limit", async () => {
    expect(await sumsOf({ appId: rare.appId })).toEqual({ limit: MAX_SUMMED_ROWS });
    const createdFrom = LONG_AGO + 4_000_000;
    expect(await sumsOf({ createdFrom, appId: busy.appId })).toEqual({
      orders: MANY - 4_000,
      totalFen: (MANY - 4_000) * 100,
      refundedFen: 0,
    });
  });
});

describe("listOrders, by time", () => {
  test("finds each order of its time, whatever the order of the inserts within minutes", async () => {
    const shop = await openShop();
    const at = NOW + 10 * DAY_MS;
    const ids: number[] = [];
    for (const createdAt of [at + 300_000, at, at + 1, at - 1]) {
      ids.push(await insertOrder(db, newOrderOf(shop, { createdAt })));
    }
    const [late, exact, after, before] = ids;
    const { appId } = shop;
    expect(await idsOf({ appId, createdFrom: at })).toEqual([after, exact, late]);
    expect(await idsOf({ appId, createdBefore: at })).toEqual([before]);
    expect(await idsOf({ appId, createdFrom: at, createdBefore: at + 1 })).toEqual([exact]);
    expect(await idsOf({ appId, createdFrom: at + 1, createdBefore: at })).toEqual([]);
  });

  test("finds a payment up to seven days after its order", async () => {
    const shop = await openShop();
    const { appId } = shop;
    const draft = newOrderOf(shop, { createdAt: NOW + 20 * DAY_MS });
    const id = await insertOrder(db, draft);
    const paidAt = draft.createdAt + 7 * DAY_MS;
    await markOrderPaid(db, paidOrderMatchOf(draft, { paidAt }), paidAt);
    expect(await idsOf({ appId, paidFrom: paidAt, paidBefore: paidAt + 1 })).toEqual([id]);
    expect(await idsOf({ appId, paidFrom: paidAt + 1 })).toEqual([]);
    expect(await idsOf({ appId, paidBefore: paidAt })).toEqual([]);
  });
});

describe("listOrders, by what people hold", () => {
  test("finds an order by each of its numbers", async () => {
    const shop = await openShop();
    const sibling = await openSibling(shop);
    const draft = newOrderOf(shop, { appOrderNo: "HELD-1" });
    const id = await insertOrder(db, draft);
    const transactionId = "4200002949202611233757584620";
    await markOrderPaid(db, paidOrderMatchOf(draft, { transactionId }), NOW);
    const refund = await storeRefund(shop, id, 10, "HELD-R1");
    const refundId = "50000305922026112391537490324";
    await env.DB.prepare("update refunds set refund_id = ? where id = ?")
      .bind(refundId, refund?.id)
      .run();
    const other = await insertOrder(db, newOrderOf(sibling, { appOrderNo: "HELD-1" }));

    for (const q of [draft.number, transactionId, refund?.number ?? "", refundId, "HELD-R1"]) {
      expect(await idsOf({ q })).toEqual([id]);
      expect(await isKnownNumber(db, q)).toBe(true);
    }
    expect(await idsOf({ q: "HELD-1" })).toEqual([other, id]);
    expect(await idsOf({ q: "HELD-1", appId: shop.appId })).toEqual([id]);
    expect(await idsOf({ appOrderNo: "HELD-1" })).toEqual([other, id]);
    expect(await idsOf({ appOrderNo: "HELD-1", appId: sibling.appId })).toEqual([other]);
    expect(await idsOf({ q: "HELD-1", payState: "paid" })).toEqual([id]);
    expect(await idsOf({ q: "HELD-1", number: draft.number })).toEqual([id]);
    expect(await idsOf({ q: "HELD-1", refundState: "requested" })).toEqual([id]);
  });

  test("finds both orders of a transaction that two orders shared", async () => {
    const shop = await openShop();
    const [first, second] = [await storePaidOrder(shop), await storePaidOrder(shop)];
    await env.DB.prepare(
      "update orders set transaction_id = (select transaction_id from orders where id = ?1), transaction_duplicate_of = ?1 where id = ?2",
    )
      .bind(first.id, second.id)
      .run();
    const q = `42-${first.number}`.slice(0, 28);
    expect(await idsOf({ q })).toEqual([second.id, first.id]);
  });

  test.for([
    "%",
    "_",
    "HELD-%",
    "' or 1=1 --",
    "'; drop table orders; --",
    '"',
    "\\",
    "*",
    "null",
    "0",
    "-1",
    "\0",
    "订单",
    "\u{1F600}",
    "x".repeat(64),
  ])("finds nothing by %j", async (q) => {
    expect(await idsOf({ q })).toEqual([]);
    expect(await idsOf({ appOrderNo: q })).toEqual([]);
    expect(await idsOf({ openId: q })).toEqual([]);
  });

  test("finds a payer's orders in every app, or in one", async () => {
    const shop = await openShop();
    const sibling = await openSibling(shop);
    const openId = "oHeldByTheOperator";
    const first = await insertOrder(db, newOrderOf(shop, { openId }));
    const second = await insertOrder(db, newOrderOf(sibling, { openId }));
    await insertOrder(db, newOrderOf(shop, { openId: "oAnother" }));
    expect(await idsOf({ openId })).toEqual([second, first]);
    expect(await idsOf({ openId, appId: shop.appId })).toEqual([first]);
    expect(await idsOf({ openId, payState: "paid" })).toEqual([]);
  });

  test.for(["requested", "refused", "accepted", "abnormal", "closed", "succeeded"] as const)(
    "finds orders with a refund that is %s",
    async (state) => {
      const shop = await openShop();
      const { appId } = shop;
      const [held, other] = [await storePaidOrder(shop), await storePaidOrder(shop)];
      const refund = await storeRefund(shop, held.id, 10);
      await storeRefund(shop, held.id, 20);
      await env.DB.prepare("update refunds set state = ?, notify_state = 'confirmed' where id = ?")
        .bind(state, refund?.id)
        .run();
      await storeRefund(shop, other.id, 10);
      const expected = state === "requested" ? [other.id, held.id] : [held.id];
      expect(await idsOf({ appId, refundState: state })).toEqual(expected);
      const { items } = await refundsOf({ appId, state });
      expect(items.map(({ orderId }) => orderId).toReversed()).toEqual(
        state === "requested" ? [held.id, held.id, other.id] : [held.id],
      );
    },
  );

  test("sums the orders and their live refunds, whatever the page", async () => {
    const shop = await openShop();
    const { appId } = shop;
    const [first, second] = [await storePaidOrder(shop), await storePaidOrder(shop)];
    await insertOrder(db, newOrderOf(shop));
    await storeRefund(shop, first.id, 30);
    await storeRefund(shop, first.id, 20);
    const refused = await storeRefund(shop, second.id, 5);
    // WeChat hasn't confirmed yet that it doesn't have the unconfirmed one: its amount is reserved.
    const unconfirmed = await storeRefund(shop, second.id, 7);
    await env.DB.batch([
      env.DB.prepare("update refunds set state = 'refused', released = 'free' where id = ?").bind(
        refused?.id,
      ),
      env.DB.prepare("update refunds set state = 'refused' where id = ?").bind(unconfirmed?.id),
    ]);
    const createdFrom = NOW - DAY_MS;
    const all = { orders: 3, totalFen: 300, refundedFen: 57 };
    expect(await sumsOf({ appId, createdFrom })).toEqual(all);
    expect(await sumsOf({ appId, createdFrom, payState: "paid" })).toEqual({
      ...all,
      orders: 2,
      totalFen: 200,
    });
    expect(await sumsOf({ q: second.number })).toEqual({
      orders: 1,
      totalFen: 100,
      refundedFen: 7,
    });
    expect(await sumsOf({ appId, createdFrom, openId: "nobody" })).toEqual({
      orders: 0,
      totalFen: 0,
      refundedFen: 0,
    });
  });
});

async function refundsOf(filter: RefundFilter, beforeId = LAST, limit = 100) {
  const page = await listAllRefunds(db, filter, { beforeId, limit }, true);
  if (!page.ok) throw new Error("too many refunds for a test");
  return page.value;
}

describe("listAllRefunds", () => {
  test("lists refunds of all orders, newest first, with their sums", async () => {
    const shop = await openShop();
    const { appId, merchantId } = shop;
    const order = await storePaidOrder(shop);
    const first = await storeRefund(shop, order.id, 10, "LIST-R1");
    const second = await storeRefund(shop, order.id, 20);
    const sums = { refunds: 2, refundFen: 30, refundedFen: 30 };
    const page = await refundsOf({ appId }, LAST, 1);
    expect(page).toMatchObject({
      items: [{ ...second, orderNumber: order.number, merchantId }],
      nextCursor: second?.id,
      sums,
    });
    expect(await refundsOf({ merchantId }, second?.id)).toMatchObject({
      items: [{ ...first, orderNumber: order.number }],
      nextCursor: null,
      sums,
    });
    expect((await refundsOf({ appId, createdFrom: NOW + 1 })).items).toEqual([]);
    expect((await refundsOf({ appId, createdBefore: NOW })).items).toEqual([]);
    expect((await refundsOf({ appId, createdFrom: NOW, createdBefore: NOW + 1 })).sums).toEqual(
      sums,
    );
  });
});

test("pages don't repeat or miss an order while others are inserted", async () => {
  const shop = await openShop();
  const made: number[] = [];
  for (let count = 0; count < 6; count += 1) made.push(await insertOrder(db, newOrderOf(shop)));
  const seen: number[] = [];
  let beforeId: number | null = LAST;
  while (beforeId !== null) {
    const page = await listOrders(db, { appId: shop.appId }, { beforeId, limit: 2 });
    if (!page.ok) throw new Error("only sums are refused");
    seen.push(...page.value.items.map(({ id }) => id));
    beforeId = page.value.nextCursor;
    await insertOrder(db, newOrderOf(shop, { number: randomHex32() }));
    if (seen.length > 20) throw new Error("the list doesn't end");
  }
  expect(seen).toEqual(made.toReversed());
});
