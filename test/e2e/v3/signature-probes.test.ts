import { expect, test } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import { eventually } from "../../../testkit/eventually.ts";
import { isPaymentConfirmed, isRefundConfirmed, waitForView } from "../../../testkit/shop.ts";
import { openShop } from "../support/shop.ts";
import { addCallFault, addNotificationFault } from "../support/wechat-faults.ts";

test.for(["pay", "refund"] as const)(
  "signature probe of a %s notification: refused, and the real one acknowledged",
  async (kind, t) => {
    const shop = await openShop(t);
    const order = dataOf(await shop.app.createOrder());
    await addNotificationFault(shop, order, kind, "probe");
    await shop.sandbox.pay(order.orderNumber);
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    if (kind === "refund") {
      const { refund_no: refundNo } = dataOf(await shop.app.refund(order.orderId));
      await shop.sandbox.decideRefund(refundNo, "SUCCESS");
      await waitForView(shop, order, "refunded, and confirmed", isRefundConfirmed);
    }
    const sent = await eventually("both notifications to be answered", async () => {
      const { notifications } = await shop.sandbox.order(order.orderNumber);
      const ofKind = notifications.filter((one) => one.kind === kind);
      return ofKind.every(({ state }) => state !== "waiting") ? ofKind : undefined;
    });
    const [real, probe] = [false, true].map((is) => sent.filter((one) => one.probe === is));
    expect(probe).toMatchObject([{ state: "given-up", attempts: [{ status: 401, ok: false }] }]);
    expect(real).toMatchObject([
      {
        state: "acknowledged",
        attempts: expect.arrayContaining([expect.objectContaining({ status: 204 })]),
      },
    ]);
    expect(shop.receiver.callbacksFor(order.orderNumber, kind)).toHaveLength(1);
  },
);

test("signature probe in an answer: the call is repeated", async (t) => {
  const shop = await openShop(t);
  const request = { appOrderNo: "no-1" };
  const order = dataOf(await shop.app.createOrder(request));
  await addCallFault(shop, order, "unifiedorder", "probe");
  expect(await shop.app.createOrder(request)).toMatchObject({ code: 0 });
  await shop.sandbox.pay(order.orderNumber);
  await waitForView(shop, order, "paid", (view) => view.pay_state === "2");
  await addCallFault(shop, order, "refund", "probe");
  expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 0 });
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(refunds).toMatchObject([{ status: "PROCESSING", calls: 2 }]);
});
