import { describe, expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { bridgeParams } from "../../testkit/contract.ts";
import { openShop, SIGN_TYPES, viewOf, viewWhen } from "./support/shop.ts";

describe.each(SIGN_TYPES)("a merchant that signs with %s", (signType) => {
  it("has an order paid, the app told, refunded, and the app told again", async (t) => {
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

    const told = await receiver.heard(order.orderNumber, "pay");
    expect(told).toMatchObject({ path: "/pay", signed: true, webhookSigned: true });
    expect(told.fields).toEqual({
      appId: String(app.id),
      event: "pay",
      eventId: told.headers["webhook-id"],
      order_id: String(order.orderId),
      pay_order_number: order.orderNumber,
      app_order_no: "no-1",
      attach: "a b&c",
      total_free: "250",
      pay_state: "2",
      transaction_id: paid.transactionId,
      timestamp: told.headers["webhook-timestamp"],
      sign: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");

    const refund = dataOf(await app.refund(order.orderId));
    expect(await viewOf(shop, order)).toMatchObject({
      ref_state: "2",
      refund_free: 250,
      ...refund,
    });
    await sandbox.decideRefund(refund.refund_no, "SUCCESS");

    const toldAgain = await receiver.heard(order.orderNumber, "refund");
    expect(toldAgain).toMatchObject({ path: "/refund", signed: true, webhookSigned: true });
    expect(toldAgain.fields).toMatchObject({
      event: "refund",
      ...refund,
      refund_free: "250",
      ref_state: "4",
    });
    expect(toldAgain.fields["eventId"]).not.toBe(told.fields["eventId"]);

    const end = await viewWhen(shop, order, "done", (view) => view.ref_notify_state === "2");
    expect(end).toMatchObject({
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
    expect(receiver.about(order.orderNumber)).toHaveLength(2);
  });
});

it("is asked by sync=1 when WeChat's notification never comes", async (t) => {
  const shop = await openShop(t);
  const { app, receiver, sandbox } = shop;
  const order = dataOf(await app.createOrder());
  await sandbox.pay(order.orderNumber, { notify: false });
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0" });
  const asked = dataOf(await app.order({ order_id: order.orderId, sync: 1 }));
  expect(asked).toMatchObject({ pay_state: "2" });
  expect(await receiver.heard(order.orderNumber, "pay")).toMatchObject({ signed: true });

  const refund = dataOf(await app.refund(order.orderId));
  await sandbox.decideRefund(refund.refund_no, "SUCCESS", false);
  const refunded = dataOf(await app.order({ order_id: order.orderId, sync: 1 }));
  expect(refunded).toMatchObject({ ref_state: "4" });
  await receiver.heard(order.orderNumber, "refund");
});

it("is refunded though only WeChat knows yet that it is paid", async (t) => {
  const { app, sandbox } = await openShop(t);
  const order = dataOf(await app.createOrder());
  const tooEarly = await app.refund(order.orderId);
  expect(tooEarly).toMatchObject({ code: 501, errmsg: expect.stringContaining("未支付") });
  await sandbox.pay(order.orderNumber, { notify: false });
  expect(await app.refund(order.orderId)).toMatchObject({ code: 0 });
});
