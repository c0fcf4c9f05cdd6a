import { describe, expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { bridgeParams } from "../../testkit/contract.ts";
import { isPaymentConfirmed, isRefundConfirmed, viewOf, waitForView } from "../../testkit/shop.ts";
import { openShop, SIGN_TYPES } from "./support/shop.ts";

describe.each(SIGN_TYPES)("order of a merchant signing with %s", (signType) => {
  test("is paid, delivered, refunded, and the refund delivered", async (t) => {
    const shop = await openShop(t, { signType });
    const { app, receiver, sandbox } = shop;
    const order = dataOf(
      await app.createOrder({ totalFree: 250, attach: "a b&c", appOrderNo: "no-1" }),
    );
    expect(await viewOf(shop, order)).toMatchObject({
      id: order.orderId,
      pay_order_number: order.orderNumber,
      app_id: app.id,
      total_free: 250,
      pay_state: "0",
      ref_state: "0",
      pay_notify_state: "0",
      transaction_id: null,
      refund_no: null,
      attach: "a b&c",
      app_order_no: "no-1",
      refund_free: 0,
    });

    // The sandbox checks paySign as WeChat's client does.
    const bridge = bridgeParams.parse(JSON.parse(order.apiParams));
    expect(bridge.signType).toBe(signType);
    const paid = await sandbox.pay(order.orderNumber, { bridge });

    const paidCallback = await receiver.waitForCallback(order.orderNumber, "pay");
    expect(paidCallback).toMatchObject({ path: "/pay", signed: true, webhookSigned: true });
    expect(paidCallback.fields).toEqual({
      appId: String(app.id),
      event: "pay",
      eventId: paidCallback.headers["webhook-id"],
      order_id: String(order.orderId),
      pay_order_number: order.orderNumber,
      app_order_no: "no-1",
      attach: "a b&c",
      total_free: "250",
      pay_state: "2",
      transaction_id: paid.transactionId,
      pay_time: expect.stringMatching(/^\d{10}$/),
      timestamp: paidCallback.headers["webhook-timestamp"],
      sign: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);

    const refund = dataOf(await app.refund(order.orderId));
    expect(await viewOf(shop, order)).toMatchObject({
      ref_state: "2",
      refund_free: 250,
      ...refund,
    });
    await sandbox.decideRefund(refund.refund_no, "SUCCESS");

    const refundCallback = await receiver.waitForCallback(order.orderNumber, "refund");
    expect(refundCallback).toMatchObject({ path: "/refund", signed: true, webhookSigned: true });
    expect(refundCallback.fields).toMatchObject({
      event: "refund",
      ...refund,
      refund_free: "250",
      ref_state: "4",
      refund_time: expect.stringMatching(/^\d{10}$/),
    });
    expect(refundCallback.fields["eventId"]).not.toBe(paidCallback.fields["eventId"]);

    const view = await waitForView(shop, order, "done", isRefundConfirmed);
    expect(view).toMatchObject({
      pay_state: "2",
      ref_state: "4",
      pay_notify_state: "2",
      pay_notify_number: 1,
      ref_notify_number: 1,
      transaction_id: paid.transactionId,
      refund_free: 250,
      ...refund,
    });
    const { refunds, notifications } = await sandbox.order(order.orderNumber);
    expect(refunds).toMatchObject([
      { outRefundNo: refund.refund_no, refundFee: 250, totalFee: 250, status: "SUCCESS" },
    ]);
    expect(notifications.map(({ state }) => state)).toEqual(["acknowledged", "acknowledged"]);
    expect(receiver.callbacksFor(order.orderNumber)).toHaveLength(2);
  });
});

test("order with sync=1: queries WeChat when no notification arrived", async (t) => {
  const shop = await openShop(t);
  const { app, receiver, sandbox } = shop;
  const order = dataOf(await app.createOrder());
  await sandbox.pay(order.orderNumber, { notify: false });
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0" });
  const synced = dataOf(await app.order({ order_id: order.orderId, sync: 1 }));
  expect(synced).toMatchObject({ pay_state: "2" });
  expect(await receiver.waitForCallback(order.orderNumber, "pay")).toMatchObject({ signed: true });

  const refund = dataOf(await app.refund(order.orderId));
  await sandbox.decideRefund(refund.refund_no, "SUCCESS", false);
  const refunded = dataOf(await app.order({ order_id: order.orderId, sync: 1 }));
  expect(refunded).toMatchObject({ ref_state: "4" });
  await receiver.waitForCallback(order.orderNumber, "refund");
});

test("refund-money: queries WeChat when the payment isn't recorded yet", async (t) => {
  const { app, sandbox } = await openShop(t);
  const order = dataOf(await app.createOrder());
  const tooEarly = await app.refund(order.orderId);
  expect(tooEarly).toMatchObject({ code: 501, errmsg: expect.stringContaining("未支付") });
  await sandbox.pay(order.orderNumber, { notify: false });
  expect(await app.refund(order.orderId)).toMatchObject({ code: 0 });
});
