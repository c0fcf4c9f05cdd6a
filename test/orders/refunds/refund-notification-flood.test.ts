import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { advance, gate, type Gate } from "../../support/clock.ts";
import { UNKNOWN, type Fault } from "../../support/faults.ts";
import { logLinesWith } from "../../support/log-lines.ts";
import { notifyRefund } from "../../support/notifications.ts";
import {
  makePaidOrder,
  objectOf,
  refundOf,
  refundsOf,
  requestRefund,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { closeScene, openScene, until, type Scene } from "../../support/scene.ts";
import { openShop } from "../../support/shop.ts";

afterEach(closeScene);

/** Answers the call as WeChat does. */
const NO_FAULT = { acts: true, how: "honest" } as const;

/** Holds the call, then answers it as WeChat does at that time. */
function heldBy({ opened }: Gate): Fault {
  return { acts: false, how: "honest", gate: opened };
}

type FloodScene = Scene & { readonly order: OrderRef; readonly refundNo: string };

/** A paid order with a refund of 40 fen that WeChat is still processing. */
async function openFloodScene(): Promise<FloodScene> {
  const scene = await openScene();
  return { ...scene, ...(await openProcessingRefund(scene)) };
}

async function openProcessingRefund(scene: Scene) {
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order, { refundFree: 40, appRefundNo: `first-${order.id}` });
  return { order, refundNo: (await refundOf(order)).number };
}

/** Posts `count` notifications at once, each with a refund number that nobody has. */
async function postInvented({ shop }: Scene, order: OrderRef, count: number, prefix = "invented") {
  return await Promise.all(
    Array.from(
      { length: count },
      async (_, index) => await notifyRefund(shop, notificationOf(order, `${prefix}-${index}`)),
    ),
  );
}

/** Posts `count` copies of a notification, one after the other. */
async function postCopies({ shop }: Scene, order: OrderRef, refundNo: string, count: number) {
  const acknowledged: boolean[] = [];
  for (let copy = 0; copy < count; copy += 1) {
    acknowledged.push(await notifyRefund(shop, notificationOf(order, refundNo)));
  }
  return acknowledged;
}

function notificationOf(order: OrderRef, refundNo: string): Record<string, string> {
  return { out_trade_no: order.number, out_refund_no: refundNo, refund_status: "SUCCESS" };
}

/** The refund numbers of WeChat's calls of this kind, in order. */
function numbersOf({ wechat }: Scene, path: "/pay/refundquery" | "/secapi/pay/refund"): string[] {
  return wechat.callsOf(path).map((fields) => fields["out_refund_no"] ?? "");
}

/** Uses up the merchant's queries of this minute. */
async function useUpMerchant({ shop }: Scene, share: string | null): Promise<number> {
  const object = env.QUERY_LIMIT_OBJECT.getByName(String(shop.merchantId));
  let taken = 0;
  while (await object.take(share)) taken += 1;
  return taken;
}

describe("I12: order's queue, waiting refund notifications", () => {
  test("let the app's refund and its sync go first", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat } = scene;
    advance(60_000);
    const slow = gate();
    wechat.fail("/pay/refundquery", heldBy(slow));
    const flood = postInvented(scene, order, 100);
    await until(() => numbersOf(scene, "/pay/refundquery").length === 1);
    const refunding = requestRefund(scene, order, { refundFree: 60, appRefundNo: "second" });
    const syncing = viewOrder(scene, order, { sync: 1 });
    // Both are at the order's object when they are in its queue or past it.
    await settle(order);
    slow.release();
    expect(await refunding).toMatchObject({ code: 0 });
    await syncing;
    await flood;
    const [, second] = await refundsOf(order);
    const calls = wechat.calls.map(({ fields }) => fields["out_refund_no"] ?? "");
    const held = calls.findIndex((number) => number.startsWith("invented"));
    expect(calls.slice(held + 1, held + 4)).toEqual([second?.number, refundNo, second?.number]);
  });

  test("about one refund are one query, for which a sync doesn't wait", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop } = scene;
    const [first, ofCopies] = [gate(), gate()];
    wechat.fail("/pay/refundquery", heldBy(first), NO_FAULT, heldBy(ofCopies));
    const copies = [notifyRefund(shop, notificationOf(order, refundNo))];
    await until(() => numbersOf(scene, "/pay/refundquery").length === 1);
    for (let copy = 0; copy < 60; copy += 1) {
      copies.push(notifyRefund(shop, notificationOf(order, refundNo)));
    }
    await settle(order);
    const syncing = viewOrder(scene, order, { sync: 1 });
    await settle(order);
    first.release();
    expect(await syncing).toMatchObject({ ref_state: "2" });
    ofCopies.release();
    expect(new Set(await Promise.all(copies))).toEqual(new Set([false]));
    expect(numbersOf(scene, "/pay/refundquery")).toEqual([refundNo, refundNo, refundNo]);
  });

  test("that arrives during a query gets a query of its own", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop } = scene;
    const slow = gate();
    wechat.fail("/pay/refundquery", { acts: true, how: "honest", gate: slow.opened });
    const early = notifyRefund(shop, notificationOf(order, refundNo));
    await until(() => numbersOf(scene, "/pay/refundquery").length === 1);
    await settle(order);
    wechat.refund(refundNo).status = "SUCCESS";
    const late = notifyRefund(shop, notificationOf(order, refundNo));
    await settle(order);
    slow.release();
    expect([await early, await late]).toEqual([false, true]);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("continues after one that failed", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop } = scene;
    wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(false);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(true);
  });
});

describe("I12: queries caused by refund notifications of one order", () => {
  test("are 30 a minute for numbers that aren't on record, over an eviction too", async () => {
    const scene = await openFloodScene();
    const { order } = scene;
    await postInvented(scene, order, 20, "a");
    await abortAllDurableObjects();
    await postInvented(scene, order, 80, "b");
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(30);
    expect(new Set(await postInvented(scene, order, 20, "c"))).toEqual(new Set([false]));
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(30);
    advance(60_000);
    await postInvented(scene, order, 5, "d");
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(35);
  });

  test("leave a recorded refund's notification its own share", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop } = scene;
    await postInvented(scene, order, 40);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(true);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("are 30 a minute for copies of one; what is refused is recorded when repeated", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, logged } = scene;
    await postCopies(scene, order, refundNo, 31);
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(30);
    expect(logLinesWith(logged, { event: "request", limited: "order-queries" })).toHaveLength(1);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await postCopies(scene, order, refundNo, 1)).toEqual([false]);
    expect((await refundOf(order)).state).toBe("accepted");
    advance(60_000);
    expect(await postCopies(scene, order, refundNo, 1)).toEqual([true]);
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("are 60 a minute together; what is refused is found by the refund's timer", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat } = scene;
    await postCopies(scene, order, refundNo, 30);
    await postInvented(scene, order, 40);
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(60);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await postCopies(scene, order, refundNo, 1)).toEqual([false]);
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("aren't counted for a refund whose outcome is on record", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat } = scene;
    wechat.refund(refundNo).status = "SUCCESS";
    expect(new Set(await postCopies(scene, order, refundNo, 50))).toEqual(new Set([true]));
    expect(numbersOf(scene, "/pay/refundquery")).toHaveLength(1);
  });

  test("don't move the refund's timer", async () => {
    const scene = await openFloodScene();
    const { order, refundNo } = scene;
    await runNextTimer(order, "poll-refund");
    const before = await timerOf(order, "poll-refund");
    advance(20_000);
    await postCopies(scene, order, refundNo, 5);
    expect(await timerOf(order, "poll-refund")).toEqual(before);
  });

  test("restore the refund's timer if its object has lost it", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat } = scene;
    await runInDurableObject(objectOf(order), async (_object, { storage }) => {
      await storage.deleteAll();
    });
    await abortAllDurableObjects();
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
    await postCopies(scene, order, refundNo, 1);
    wechat.refund(refundNo).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("succeeded");
  });
});

describe("I12: queries caused by refund notifications of one merchant", () => {
  test("are refused beyond 300 a minute, over all orders, and asked again later", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop, logged } = scene;
    expect(await useUpMerchant(scene, null)).toBe(300);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(false);
    await abortAllDurableObjects();
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(false);
    expect(numbersOf(scene, "/pay/refundquery")).toEqual([]);
    expect(logLinesWith(logged, { event: "request", limited: "merchant-queries" })).toHaveLength(2);
    advance(60_000);
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(true);
  });

  test("count those of every order", async () => {
    const scene = await openFloodScene();
    const other = await openProcessingRefund(scene);
    await postCopies(scene, scene.order, scene.refundNo, 2);
    await postCopies(scene, other.order, other.refundNo, 3);
    expect(await useUpMerchant(scene, null)).toBe(295);
  });

  test("leave recorded refunds half when the others are used up", async () => {
    const scene = await openFloodScene();
    const { order, refundNo, wechat, shop } = scene;
    expect(await useUpMerchant(scene, "")).toBe(150);
    await postInvented(scene, order, 3);
    expect(numbersOf(scene, "/pay/refundquery")).toEqual([]);
    wechat.refund(refundNo).status = "SUCCESS";
    expect(await notifyRefund(shop, notificationOf(order, refundNo))).toBe(true);
  });

  test("can't be caused at another merchant's expense", async () => {
    const scene = await openFloodScene();
    const { order, refundNo } = scene;
    const other = await openShop();
    expect(await notifyRefund(other, notificationOf(order, refundNo))).toBe(false);
    expect(numbersOf(scene, "/pay/refundquery")).toEqual([]);
    expect(await useUpMerchant(scene, null)).toBe(300);
  });
});

test("I12: 100 notifications with invented numbers add one entry to the timeline", async () => {
  const scene = await openFloodScene();
  const { order, refundNo } = scene;
  const before = (await objectOf(order).history()).entries;
  await postInvented(scene, order, 100);
  await postCopies(scene, order, refundNo, 10);
  const { entries } = await objectOf(order).history();
  expect(entries.slice(0, before.length)).toEqual(before);
  expect(entries.slice(before.length)).toMatchObject([
    {
      event: "wechat.query_refund",
      facts: { refundNo: null, answer: "absent" },
      repeated: { count: 30 },
    },
    { event: "refund.notified", facts: { refundNo }, repeated: { count: 10 } },
    { event: "wechat.query_refund", facts: { refundNo }, repeated: { count: 10 } },
  ]);
});

/** Lets the calls that have begun get as far as they can: they wait in a queue, or for a gate. */
async function settle(order: OrderRef): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await objectOf(order).history();
  }
}
