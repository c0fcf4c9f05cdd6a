import { afterEach, describe, expect, test } from "vitest";
import { signedXml } from "../../wechat/support/messages.ts";
import { UNKNOWN, UNKNOWN_BUT_DONE } from "../../support/faults.ts";
import {
  makePaidOrder,
  requestRefund,
  refundOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  timersOf,
  type OrderRef,
} from "../../support/scenario.ts";
import {
  notifyRefund,
  paymentNotificationFields,
  payPath,
  postNotification,
  refundNotificationXml,
  refundPath,
} from "../../support/notifications.ts";
import { openShop } from "../../support/shop.ts";
import { closeScene, openScene, type Scene } from "../../support/scene.ts";

afterEach(closeScene);

type RefundScene = Scene & { readonly order: OrderRef; readonly refundNo: string };

/** A paid order with an accepted refund. */
async function openRefundScene(): Promise<RefundScene> {
  const scene = await openScene();
  const order = await makePaidOrder(scene);
  await runDueTimers(order);
  await requestRefund(scene, order);
  return { ...scene, order, refundNo: (await refundOf(order)).number };
}

/** What WeChat would report of the refund. */
function newsOf({ order, refundNo }: RefundScene, status = "SUCCESS"): Record<string, string> {
  return { out_trade_no: order.number, out_refund_no: refundNo, refund_status: status };
}

describe("a refund notification", () => {
  test.for([
    ["SUCCESS", "succeeded"],
    ["REFUNDCLOSE", "closed"],
    ["CHANGE", "abnormal"],
  ] as const)(
    "of %s is acknowledged once WeChat's answer is booked as %s",
    async ([status, state]) => {
      const scene = await openRefundScene();
      const { order, refundNo, shop, app, wechat } = scene;
      wechat.refund(refundNo).status = status;
      expect(await notifyRefund(shop, newsOf(scene, status))).toBe(true);
      expect((await refundOf(order)).state).toBe(state);
      await runDueTimers(order);
      expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    },
  );

  test("in twenty copies at once is told to the app once", async () => {
    const scene = await openRefundScene();
    const { order, refundNo, shop, app, wechat } = scene;
    wechat.refund(refundNo).status = "SUCCESS";
    const copies = await Promise.all(
      Array.from({ length: 20 }, async () => await notifyRefund(shop, newsOf(scene))),
    );
    expect(copies).toEqual(Array.from({ length: 20 }, () => true));
    await runDueTimers(order);
    expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    expect(wechat.callsOf("/pay/refundquery")).toHaveLength(1);
  });

  test("is a hint for a refund whose acceptance wasn't heard of", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "SUCCESS";
    const news = newsOf({ ...scene, order, refundNo: number });
    expect(await notifyRefund(scene.shop, news)).toBe(true);
    expect(await refundOf(order)).toMatchObject({
      state: "succeeded",
      refundId: scene.wechat.refund(number).refundId,
    });
  });
});

describe("what a refund notification claims", () => {
  test.for(["SUCCESS", "REFUNDCLOSE", "CHANGE"])(
    "of %s changes nothing while WeChat says that it is processing",
    async (status) => {
      const scene = await openRefundScene();
      const before = await refundOf(scene.order);
      expect(await notifyRefund(scene.shop, newsOf(scene, status))).toBe(false);
      expect(await refundOf(scene.order)).toEqual(before);
      expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
      await runDueTimers(scene.order);
      expect(scene.app.callsTo(scene.shop.refundUrl)).toEqual([]);
    },
  );

  test("changes nothing while WeChat's answer is unknown, and is found out by the timer", async () => {
    const scene = await openRefundScene();
    const { order, refundNo, shop, wechat } = scene;
    const before = await refundOf(order);
    wechat.refund(refundNo).status = "SUCCESS";
    wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(shop, newsOf(scene))).toBe(false);
    expect(await refundOf(order)).toEqual(before);
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("yields to what WeChat answers", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "REFUNDCLOSE";
    await notifyRefund(scene.shop, newsOf(scene, "SUCCESS"));
    expect((await refundOf(scene.order)).state).toBe("closed");
  });
});

describe("a refund notification that isn't right", () => {
  test.for([
    ["of an order that doesn't exist", { out_trade_no: "f".repeat(32) }],
    ["without a refund", { out_refund_no: "" }],
  ] as const)("%s changes nothing", async ([, changes]) => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const before = await refundOf(scene.order);
    expect(await notifyRefund(scene.shop, { ...newsOf(scene), ...changes })).toBe(false);
    expect(await refundOf(scene.order)).toEqual(before);
    expect(scene.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("in fields that aren't needed is a reason to query, like any other", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const notification = { ...newsOf(scene), refund_id: "", refund_fee: "1e2" };
    expect(await notifyRefund(scene.shop, notification)).toBe(true);
    expect(await refundOf(scene.order)).toMatchObject({ state: "succeeded" });
  });

  test("of a refund that WeChat doesn't know changes nothing", async () => {
    const scene = await openRefundScene();
    const before = await refundOf(scene.order);
    const news = { ...newsOf(scene), out_refund_no: "f".repeat(32) };
    expect(await notifyRefund(scene.shop, news)).toBe(false);
    expect(await refundOf(scene.order)).toEqual(before);
    expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
    const asking = (await timersOf(scene.order)).filter(({ kind }) => kind === "poll-refund");
    expect(asking.map(({ refundNo }) => refundNo)).toEqual([before.number]);
  });

  test("of another order's refund changes neither", async () => {
    const scene = await openRefundScene();
    const other = await makePaidOrder(scene);
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const news = { ...newsOf(scene), out_trade_no: other.number };
    expect(await notifyRefund(scene.shop, news)).toBe(false);
    expect((await refundOf(scene.order)).state).toBe("accepted");
    expect(await timerOf(other, "poll-refund")).toBeUndefined();
  });

  test("under another key changes nothing", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const wrong = "another-key-of-32-characters-lon";
    expect(await notifyRefund(scene.shop, newsOf(scene), wrong)).toBe(false);
    const other = await openShop();
    const foreign = await refundNotificationXml(scene.shop, newsOf(scene), other.apiKey);
    expect(await postNotification(refundPath(other), foreign)).toBe(false);
    expect((await refundOf(scene.order)).state).toBe("accepted");
    expect(scene.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("at the payments' path is not a payment", async () => {
    const scene = await openRefundScene();
    const before = await rowOf(scene.order);
    const xml = await refundNotificationXml(scene.shop, newsOf(scene));
    expect(await postNotification(payPath(scene.shop), xml)).toBe(false);
    expect(await rowOf(scene.order)).toEqual(before);
    expect((await refundOf(scene.order)).state).toBe("accepted");
  });

  test("because it is a payment's changes nothing", async () => {
    const scene = await openRefundScene();
    const { order, shop, wechat } = scene;
    const before = await rowOf(order);
    const notice = paymentNotificationFields(shop, order.number, wechat.order(order.number));
    const xml = await signedXml(notice, shop.v2SignType, shop.apiKey);
    expect(await postNotification(refundPath(shop), xml)).toBe(false);
    expect(await rowOf(order)).toEqual(before);
  });
});
