import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import { makeOrder, makePaidOrder, rowOf, runNext, timerOf, type Made } from "../support/life.ts";
import { notifyPayment } from "../support/notices.ts";
import { db } from "../support/rows.ts";
import { openShop } from "../support/shop.ts";
import { closeWorld, openWorld } from "../support/world.ts";

afterEach(closeWorld);

async function incidentsOf({ number }: Made) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

describe("payment by the transaction of another order", () => {
  test("notified: changes nothing and opens an incident that names the other order", async () => {
    const world = await openWorld();
    const { shop, wechat } = world;
    const first = await makePaidOrder(world);
    const { transactionId } = wechat.order(first.number);
    const second = await makeOrder(world);
    const paid = wechat.pay(second.number);
    const before = [await rowOf(first), await rowOf(second)];
    const forged = { transaction_id: transactionId };
    expect(await notifyPayment(shop, second.number, paid, forged)).toBe(false);
    expect([await rowOf(first), await rowOf(second)]).toEqual(before);
    expect(await timerOf(second, "deliver-payment")).toBeUndefined();
    expect(await incidentsOf(second)).toMatchObject([
      {
        kind: "payment_contradiction",
        subject: second.number,
        merchantId: shop.merchantId,
        facts: {
          what: "transaction-of-another-order",
          transactionId,
          totalFen: 100,
          otherOrder: first.number,
        },
      },
    ]);
    // The order's own transaction still pays it, and a repeat for the first order is acknowledged.
    expect(await notifyPayment(shop, second.number, paid)).toBe(true);
    expect(await notifyPayment(shop, first.number, wechat.order(first.number))).toBe(true);
  });

  test("found by a query: changes nothing and opens an incident", async () => {
    const world = await openWorld();
    const first = await makePaidOrder(world);
    const second = await makeOrder(world);
    world.wechat.pay(second.number).transactionId = world.wechat.order(first.number).transactionId;
    await runNext(second, "poll-payment");
    expect((await rowOf(second)).payState).toBe("waiting");
    expect(await incidentsOf(second)).toMatchObject([
      { facts: { what: "transaction-of-another-order", otherOrder: first.number } },
    ]);
  });

  test("notified for eight orders at once: pays one of them", async () => {
    const world = await openWorld();
    const made = await Promise.all(Array.from({ length: 8 }, async () => await makeOrder(world)));
    const reports = made.map(async ({ number }) => {
      const forged = { transaction_id: "4200000000202611220000000001" };
      return await notifyPayment(world.shop, number, world.wechat.pay(number), forged);
    });
    expect((await Promise.all(reports)).filter(Boolean)).toHaveLength(1);
    const rows = await Promise.all(made.map(rowOf));
    expect(rows.filter(({ payState }) => payState === "paid")).toHaveLength(1);
    const opened = (await Promise.all(made.map(incidentsOf))).flat();
    expect(opened.map(({ facts }) => facts["what"])).toEqual(
      Array.from({ length: 7 }, () => "transaction-of-another-order"),
    );
  });

  test("of another merchant: is recorded", async () => {
    const world = await openWorld();
    const { transactionId } = world.wechat.order((await makePaidOrder(world)).number);
    const shop = await openShop();
    world.wechat.admit(shop);
    const made = await makeOrder({ ...world, shop });
    const paid = world.wechat.pay(made.number);
    const same = { transaction_id: transactionId };
    expect(await notifyPayment(shop, made.number, paid, same)).toBe(true);
    expect((await rowOf(made)).transactionId).toBe(transactionId);
  });
});
