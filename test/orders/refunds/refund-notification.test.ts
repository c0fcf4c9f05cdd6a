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

/** The fields of WeChat's notification of the refund. */
function notificationOf(
  { order, refundNo }: RefundScene,
  status = "SUCCESS",
): Record<string, string> {
  return { out_trade_no: order.number, out_refund_no: refundNo, refund_status: status };
}

describe("I3: handleRefundNotification", () => {
  test.for([
    ["SUCCESS", "succeeded"],
    ["REFUNDCLOSE", "closed"],
    ["CHANGE", "abnormal"],
  ] as const)(
    "acknowledges %s after recording WeChat's own answer as %s",
    async ([status, state]) => {
      const scene = await openRefundScene();
      const { order, refundNo, shop, app, wechat } = scene;
      wechat.refund(refundNo).status = status;
      expect(await notifyRefund(shop, notificationOf(scene, status))).toBe(true);
      expect((await refundOf(order)).state).toBe(state);
      await runDueTimers(order);
      expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    },
  );

  test("queries once and calls the app once for 20 concurrent copies", async () => {
    const scene = await openRefundScene();
    const { order, refundNo, shop, app, wechat } = scene;
    wechat.refund(refundNo).status = "SUCCESS";
    const copies = await Promise.all(
      Array.from({ length: 20 }, async () => await notifyRefund(shop, notificationOf(scene))),
    );
    expect(copies).toEqual(Array.from({ length: 20 }, () => true));
    await runDueTimers(order);
    expect(app.callsTo(shop.refundUrl)).toHaveLength(1);
    expect(wechat.callsOf("/pay/refundquery")).toHaveLength(1);
  });

  test("records a refund whose acceptance was lost", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    scene.wechat.fail("/secapi/pay/refund", UNKNOWN_BUT_DONE);
    await requestRefund(scene, order);
    const { number } = await refundOf(order);
    scene.wechat.refund(number).status = "SUCCESS";
    const notification = notificationOf({ ...scene, order, refundNo: number });
    expect(await notifyRefund(scene.shop, notification)).toBe(true);
    expect(await refundOf(order)).toMatchObject({
      state: "succeeded",
      refundId: scene.wechat.refund(number).refundId,
    });
  });
});

describe("I10: handleRefundNotification, WeChat's query disagrees", () => {
  test.for(["SUCCESS", "REFUNDCLOSE", "CHANGE"])(
    "changes nothing on %s while the query says PROCESSING",
    async (status) => {
      const scene = await openRefundScene();
      const before = await refundOf(scene.order);
      expect(await notifyRefund(scene.shop, notificationOf(scene, status))).toBe(false);
      expect(await refundOf(scene.order)).toEqual(before);
      expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
      await runDueTimers(scene.order);
      expect(scene.app.callsTo(scene.shop.refundUrl)).toEqual([]);
    },
  );

  test("changes nothing while the query is unknown; the timer records the state", async () => {
    const scene = await openRefundScene();
    const { order, refundNo, shop, wechat } = scene;
    const before = await refundOf(order);
    wechat.refund(refundNo).status = "SUCCESS";
    wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(shop, notificationOf(scene))).toBe(false);
    expect(await refundOf(order)).toEqual(before);
    await runNextTimer(order, "poll-refund");
    expect((await refundOf(order)).state).toBe("succeeded");
  });

  test("records the state from the query, not from the notification", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "REFUNDCLOSE";
    await notifyRefund(scene.shop, notificationOf(scene, "SUCCESS"));
    expect((await refundOf(scene.order)).state).toBe("closed");
  });
});

describe("I10: invalid refund notification", () => {
  test.for([
    ["of an order that doesn't exist", { out_trade_no: "f".repeat(32) }],
    ["without out_refund_no", { out_refund_no: "" }],
  ] as const)("%s is refused and changes nothing", async ([, changes]) => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const before = await refundOf(scene.order);
    expect(await notifyRefund(scene.shop, { ...notificationOf(scene), ...changes })).toBe(false);
    expect(await refundOf(scene.order)).toEqual(before);
    expect(scene.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("is still queried when only unused fields are invalid", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const notification = { ...notificationOf(scene), refund_id: "", refund_fee: "1e2" };
    expect(await notifyRefund(scene.shop, notification)).toBe(true);
    expect(await refundOf(scene.order)).toMatchObject({ state: "succeeded" });
  });

  test("of a refund that WeChat doesn't have is refused and changes nothing", async () => {
    const scene = await openRefundScene();
    const before = await refundOf(scene.order);
    const notification = { ...notificationOf(scene), out_refund_no: "f".repeat(32) };
    expect(await notifyRefund(scene.shop, notification)).toBe(false);
    expect(await refundOf(scene.order)).toEqual(before);
    expect(scene.wechat.callsOf("/pay/refundquery")).toHaveLength(1);
    const polls = (await timersOf(scene.order)).filter(({ kind }) => kind === "poll-refund");
    expect(polls.map(({ refundNo }) => refundNo)).toEqual([before.number]);
  });

  test("with another order's out_trade_no is refused and changes neither order", async () => {
    const scene = await openRefundScene();
    const other = await makePaidOrder(scene);
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const notification = { ...notificationOf(scene), out_trade_no: other.number };
    expect(await notifyRefund(scene.shop, notification)).toBe(false);
    expect((await refundOf(scene.order)).state).toBe("accepted");
    expect(await timerOf(other, "poll-refund")).toBeUndefined();
  });

  test("encrypted with another key is refused and changes nothing", async () => {
    const scene = await openRefundScene();
    scene.wechat.refund(scene.refundNo).status = "SUCCESS";
    const wrong = "another-key-of-32-characters-lon";
    expect(await notifyRefund(scene.shop, notificationOf(scene), wrong)).toBe(false);
    const other = await openShop();
    const foreign = await refundNotificationXml(scene.shop, notificationOf(scene), other.apiKey);
    expect(await postNotification(refundPath(other), foreign)).toBe(false);
    expect((await refundOf(scene.order)).state).toBe("accepted");
    expect(scene.wechat.callsOf("/pay/refundquery")).toEqual([]);
  });

  test("posted to the payment path isn't taken for a payment", async () => {
    const scene = await openRefundScene();
    const before = await rowOf(scene.order);
    const xml = await refundNotificationXml(scene.shop, notificationOf(scene));
    expect(await postNotification(payPath(scene.shop), xml)).toBe(false);
    expect(await rowOf(scene.order)).toEqual(before);
    expect((await refundOf(scene.order)).state).toBe("accepted");
  });

  test("with the content of a payment notification is refused and changes nothing", async () => {
    const scene = await openRefundScene();
    const { order, shop, wechat } = scene;
    const before = await rowOf(order);
    const fields = paymentNotificationFields(shop, order.number, wechat.order(order.number));
    const xml = await signedXml(fields, shop.v2SignType, shop.apiKey);
    expect(await postNotification(refundPath(shop), xml)).toBe(false);
    expect(await rowOf(order)).toEqual(before);
  });
});
