import { afterEach, describe, expect, test } from "vitest";
import { UNKNOWN } from "../../support/faults.ts";
import { advance } from "../../support/clock.ts";
import {
  makeOrder,
  makePaidOrder,
  refundInPlatform,
  requestRefund,
  refundOf,
  refundsOf,
  rowOf,
  runDueTimers,
  runNextTimer,
  timerOf,
  viewOrder,
  type OrderRef,
} from "../../support/scenario.ts";
import { notifyRefund } from "../../support/notifications.ts";
import { closeScene, openScene } from "../../support/scene.ts";

afterEach(closeScene);

/** The fields of WeChat's notification of it. */
function notificationOf(
  order: OrderRef,
  refundNo: string,
  refundFen: number,
): Record<string, string> {
  return {
    out_trade_no: order.number,
    out_refund_no: refundNo,
    refund_fee: String(refundFen),
    refund_status: "SUCCESS",
    refund_request_source: "VENDOR_PLATFORM",
  };
}

describe("importPlatformRefund", () => {
  test("stores a refund that WeChat's query confirms, counts it and calls the app", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await runDueTimers(order);
    const refundNo = refundInPlatform(scene, order, 40);
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 40))).toBe(true);
    expect(await refundOf(order)).toMatchObject({
      number: refundNo,
      appRefundNo: null,
      refundFen: 40,
      refundId: scene.wechat.refund(refundNo).refundId,
      state: "succeeded",
      source: "platform",
    });
    expect(await viewOrder(scene, order)).toMatchObject({
      ref_state: "4",
      refund_no: refundNo,
      refund_free: 40,
    });
    await runDueTimers(order);
    const [call] = scene.app.callsTo(scene.shop.refundUrl);
    expect(call?.parameters.get("refund_no")).toBe(refundNo);
    expect(call?.parameters.get("refund_free")).toBe("40");
    expect(await timerOf(order, "poll-refund")).toBeDefined();
    await runNextTimer(order, "poll-refund");
    expect(await timerOf(order, "poll-refund")).toBeUndefined();
  });

  test("leaves the rest of the payment to the app's request without an amount", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const refundNo = refundInPlatform(scene, order, 40);
    await notifyRefund(scene.shop, notificationOf(order, refundNo, 40));
    advance(60_000);
    expect(await requestRefund(scene, order)).toMatchObject({ code: 0 });
    expect(await refundsOf(order)).toMatchObject([{ refundFen: 40 }, { refundFen: 60 }]);
  });

  test("stores one row and calls the app once for 20 concurrent notifications", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const refundNo = refundInPlatform(scene, order, 100);
    const copies = await Promise.all(
      Array.from(
        { length: 20 },
        async () => await notifyRefund(scene.shop, notificationOf(order, refundNo, 100)),
      ),
    );
    expect(copies).toEqual(Array.from({ length: 20 }, () => true));
    await refundOf(order);
    await runDueTimers(order);
    expect(scene.app.callsTo(scene.shop.refundUrl)).toHaveLength(1);
  });

  test("stores a refund in process, polls it and acknowledges only its final state", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const refundNo = refundInPlatform(scene, order, 100, "PROCESSING");
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 100))).toBe(false);
    expect(await refundOf(order)).toMatchObject({ state: "accepted" });
    scene.wechat.refund(refundNo).status = "SUCCESS";
    await runNextTimer(order, "poll-refund");
    expect(await refundOf(order)).toMatchObject({ state: "succeeded" });
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 100))).toBe(true);
  });

  test("stores nothing while WeChat's query gives no answer", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    const refundNo = refundInPlatform(scene, order, 100);
    scene.wechat.fail("/pay/refundquery", UNKNOWN);
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 100))).toBe(false);
    expect(await refundsOf(order)).toEqual([]);
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 100))).toBe(true);
    await refundOf(order);
  });

  test("also records the order's payment when its notification was lost", async () => {
    const scene = await openScene();
    const order = await makeOrder(scene);
    scene.wechat.pay(order.number);
    const refundNo = refundInPlatform(scene, order, 100);
    expect(await notifyRefund(scene.shop, notificationOf(order, refundNo, 100))).toBe(true);
    expect(await rowOf(order)).toMatchObject({ payState: "paid" });
    expect(await refundOf(order)).toMatchObject({ state: "succeeded" });
  });
});
