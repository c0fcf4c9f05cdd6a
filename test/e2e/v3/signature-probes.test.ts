import { expect, it } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import { eventually } from "../../../testkit/eventually.ts";
import { openShop, viewWhen } from "../support/shop.ts";
import { troubleCall, troubleNotification } from "../support/wechat-faults.ts";

it.for(["pay", "refund"] as const)(
  "a probe in place of a %s notification is refused, and the real one acknowledged",
  async (kind, t) => {
    const shop = await openShop(t);
    const order = dataOf(await shop.app.createOrder());
    await troubleNotification(shop, order, kind, "probe");
    await shop.sandbox.pay(order.orderNumber);
    await viewWhen(shop, order, "told", (view) => view.pay_notify_state === "2");
    if (kind === "refund") {
      const { refund_no: refundNo } = dataOf(await shop.app.refund(order.orderId));
      await shop.sandbox.decideRefund(refundNo, "SUCCESS");
      await viewWhen(shop, order, "told again", (view) => view.ref_notify_state === "2");
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
    expect(shop.receiver.about(order.orderNumber, kind)).toHaveLength(1);
  },
);

it("a probe in place of an answer is asked for again", async (t) => {
  const shop = await openShop(t);
  const wish = { appOrderNo: "no-1" };
  const order = dataOf(await shop.app.createOrder(wish));
  await troubleCall(shop, order, "unifiedorder", "probe");
  expect(await shop.app.createOrder(wish)).toMatchObject({ code: 0 });
  await shop.sandbox.pay(order.orderNumber);
  await viewWhen(shop, order, "paid", (view) => view.pay_state === "2");
  await troubleCall(shop, order, "refund", "probe");
  expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 0 });
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(refunds).toMatchObject([{ status: "PROCESSING", calls: 2 }]);
});
