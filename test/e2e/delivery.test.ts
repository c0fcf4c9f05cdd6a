import { describe, expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { confirm } from "../../testkit/app-receiver.ts";
import {
  isPaymentConfirmed,
  isRefundConfirmed,
  paidOrder,
  waitForView,
} from "../../testkit/shop.ts";
import { confirmInJson, UNCONFIRMING_RESPONSES } from "./support/app-responses.ts";
import { openShop } from "./support/shop.ts";

// Most of these wait for the schedule's first retry, 15 s; they all wait at the same time.
describe("delivery to an app", () => {
  test.for(Object.entries(UNCONFIRMING_RESPONSES))(
    "is repeated when the app %s",
    async ([, response], t) => {
      const shop = await openShop(t);
      shop.receiver.respondWith(response);
      const order = await paidOrder(shop);
      const failing = await waitForView(
        shop,
        order,
        "called",
        (view) => view.pay_notify_state !== "0",
      );
      expect(failing).toMatchObject({ pay_notify_state: "1", pay_notify_number: 1 });

      shop.receiver.respondWith(confirm);
      await shop.receiver.waitForCallback(order.orderNumber, "pay", 2);
      const confirmed = await waitForView(shop, order, "confirmed", isPaymentConfirmed);
      expect(confirmed).toMatchObject({ pay_notify_number: 2 });
      const [first, second] = shop.receiver.callbacksFor(order.orderNumber);
      expect(second).toMatchObject({ path: "/pay", signed: true, webhookSigned: true });
      expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
      expect(second?.fields["eventId"]).toBe(first?.fields["eventId"]);
      expect(shop.receiver.callbacksFor(order.orderNumber)).toHaveLength(2);
    },
  );

  test("is repeated for a refund when the app was down", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    await shop.receiver.stop();
    const refund = dataOf(await shop.app.refund(order.orderId));
    await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
    const failing = await waitForView(
      shop,
      order,
      "called",
      (view) => view.ref_notify_state !== "0",
    );
    expect(failing).toMatchObject({ ref_state: "4", ref_notify_state: "1", ref_notify_number: 1 });

    await shop.receiver.resume();
    const confirmed = await waitForView(shop, order, "confirmed", isRefundConfirmed);
    expect(confirmed).toMatchObject({ ref_notify_number: 2, pay_notify_number: 1 });
    expect(shop.receiver.callbacksFor(order.orderNumber, "refund")).toMatchObject([
      { signed: true },
    ]);
  });

  test("waits as long as the app's Retry-After asks", async (t) => {
    const shop = await openShop(t);
    shop.receiver.respondWith((response) => {
      response.writeHead(503, { "retry-after": "20" }).end();
    });
    const order = await paidOrder(shop);
    await waitForView(shop, order, "called", (view) => view.pay_notify_state === "1");
    shop.receiver.respondWith(confirm);
    const second = await shop.receiver.waitForCallback(order.orderNumber, "pay", 2);
    const [first] = shop.receiver.callbacksFor(order.orderNumber);
    // Two clock readings: half a second of tolerance.
    expect(second.at - (first?.at ?? second.at)).toBeGreaterThan(19_500);
  });

  test("happens once when the app confirms in JSON", async (t) => {
    const shop = await openShop(t);
    shop.receiver.respondWith(confirmInJson);
    const order = await paidOrder(shop);
    const view = await waitForView(shop, order, "called", ({ pay_notify_state: s }) => s !== "0");
    expect(view).toMatchObject({ pay_notify_state: "2", pay_notify_number: 1 });
  });
});
