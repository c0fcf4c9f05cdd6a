import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import {
  makeOrder,
  makePaidOrder,
  rowOf,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

async function incidentsOf({ number }: OrderRef) {
  return await db.select().from(incidents).where(eq(incidents.orderNumber, number));
}

describe("payment by the transaction of another order", () => {
  test("notified: changes nothing and opens an incident that names the other order", async () => {
    const scene = await openScene();
    const { shop, wechat } = scene;
    const first = await makePaidOrder(scene);
    const { transactionId } = wechat.order(first.number);
    const second = await makeOrder(scene);
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
    const scene = await openScene();
    const first = await makePaidOrder(scene);
    const second = await makeOrder(scene);
    scene.wechat.pay(second.number).transactionId = scene.wechat.order(first.number).transactionId;
    await runNextTimer(second, "poll-payment");
    expect((await rowOf(second)).payState).toBe("waiting");
    expect(await incidentsOf(second)).toMatchObject([
      { facts: { what: "transaction-of-another-order", otherOrder: first.number } },
    ]);
  });

  test("notified for eight orders at once: pays one of them", async () => {
    const scene = await openScene();
    const made = await Promise.all(Array.from({ length: 8 }, async () => await makeOrder(scene)));
    const reports = made.map(async ({ number }) => {
      const forged = { transaction_id: "4200000000202611220000000001" };
      return await notifyPayment(scene.shop, number, scene.wechat.pay(number), forged);
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
    const scene = await openScene();
    const { transactionId } = scene.wechat.order((await makePaidOrder(scene)).number);
    const shop = await openShop();
    scene.wechat.addMerchant(shop);
    const made = await makeOrder({ ...scene, shop });
    const paid = scene.wechat.pay(made.number);
    const same = { transaction_id: transactionId };
    expect(await notifyPayment(shop, made.number, paid, same)).toBe(true);
    expect((await rowOf(made)).transactionId).toBe(transactionId);
  });
});
