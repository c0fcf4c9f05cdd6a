import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { incidents } from "../../src/db/schema.ts";
import { makeOrder, rowOf, runNextTimer, type OrderRef } from "../support/scenario.ts";
import { notifyPayment } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import type { FakeOrder } from "../support/wechat-ledger.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

/** The order with the attach that WeChat reports; undefined when it reports none. */
function reporting(order: FakeOrder, attach: string | undefined): FakeOrder {
  const request: object = JSON.parse(order.request);
  return { ...order, request: JSON.stringify({ ...request, attach }) };
}

async function factsOf({ number }: OrderRef) {
  const rows = await db.select().from(incidents).where(eq(incidents.orderNumber, number));
  return rows.map(({ kind, facts }) => [kind, facts["what"]]);
}

async function makePaid(scene: Scene, attach: string | undefined) {
  const made = await makeOrder(scene, attach === undefined ? {} : { attach });
  return { made, paid: scene.wechat.pay(made.number) };
}

const CONTRADICTION = [["payment_contradiction", "attach"]];

describe("payment notification, attach", () => {
  test.for([
    ["same as the order's", "会员 & <续费>", "会员 & <续费>"],
    ["absent, like the order's", undefined, undefined],
    ["empty, the order's absent", undefined, ""],
    ["absent, the order's empty", "", undefined],
    ["empty, like the order's", "", ""],
  ] as const)("records the payment: %s", async ([, ordered, reported]) => {
    const scene = await openScene();
    const { made, paid } = await makePaid(scene, ordered);
    expect(await notifyPayment(scene.shop, made.number, reporting(paid, reported))).toBe(true);
    expect((await rowOf(made)).payState).toBe("paid");
    expect(await factsOf(made)).toEqual([]);
  });

  test.for([
    ["different", "x", "y"],
    ["longer than the order's", "x", "x&bank_type=CFT"],
    ["different in case", "x", "X"],
    ["absent", "x", undefined],
    ["empty", "x", ""],
    ["present, the order's absent", undefined, "x"],
    ["present, the order's empty", "", "x"],
  ] as const)("records nothing and opens an incident: %s", async ([, ordered, reported]) => {
    const scene = await openScene();
    const { made, paid } = await makePaid(scene, ordered);
    const before = await rowOf(made);
    expect(await notifyPayment(scene.shop, made.number, reporting(paid, reported))).toBe(false);
    expect(await rowOf(made)).toEqual(before);
    expect(await factsOf(made)).toEqual(CONTRADICTION);
    expect(await notifyPayment(scene.shop, made.number, paid)).toBe(true);
    // A repeat isn't acknowledged either.
    expect(await notifyPayment(scene.shop, made.number, reporting(paid, reported))).toBe(false);
  });
});

describe("payment query, attach", () => {
  test.for([
    ["same as the order's", "附加", "附加"],
    ["left out", "附加", undefined],
    ["left empty", "附加", ""],
    ["left out, like the order's", undefined, undefined],
  ] as const)("records the payment: %s", async ([, ordered, reported]) => {
    const scene = await openScene();
    const { made, paid } = await makePaid(scene, ordered);
    scene.wechat.orders.set(made.number, reporting(paid, reported));
    await runNextTimer(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("paid");
    expect(await factsOf(made)).toEqual([]);
  });

  test.for([
    ["different", "x", "y"],
    ["present, the order's absent", undefined, "x"],
  ] as const)("records nothing and opens an incident: %s", async ([, ordered, reported]) => {
    const scene = await openScene();
    const { made, paid } = await makePaid(scene, ordered);
    scene.wechat.orders.set(made.number, reporting(paid, reported));
    await runNextTimer(made, "poll-payment");
    expect((await rowOf(made)).payState).toBe("waiting");
    expect(await factsOf(made)).toEqual(CONTRADICTION);
  });
});
