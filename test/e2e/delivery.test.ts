import { describe, expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { confirm } from "../../testkit/app-receiver.ts";
import { BAD_MANNERS, confirmInJson } from "./support/app-responses.ts";
import { openShop, paidOrder, viewWhen } from "./support/shop.ts";

// Each of these waits for the schedule's first retry, 15 s; they all wait at the same time.
describe("an app that", () => {
  it.for(Object.entries(BAD_MANNERS))("%s is called again", async ([, manner], t) => {
    const shop = await openShop(t);
    shop.receiver.answer(manner);
    const order = await paidOrder(shop);
    const failing = await viewWhen(shop, order, "told", (view) => view.pay_notify_state !== "0");
    expect(failing).toMatchObject({ pay_notify_state: "1", pay_notify_number: 1 });

    shop.receiver.answer(confirm);
    await shop.receiver.heard(order.orderNumber, "pay", 2);
    const told = await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    expect(told).toMatchObject({ pay_notify_number: 2 });
    const [first, second] = shop.receiver.about(order.orderNumber);
    expect(second).toMatchObject({ path: "/pay", signed: true, webhookSigned: true });
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.fields["eventId"]).toBe(first?.fields["eventId"]);
    expect(shop.receiver.about(order.orderNumber)).toHaveLength(2);
  });

  it("is down is called again, with refunds too", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    await shop.receiver.stop();
    const refund = dataOf(await shop.app.refund(order.orderId));
    await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
    const failing = await viewWhen(shop, order, "told", (view) => view.ref_notify_state !== "0");
    expect(failing).toMatchObject({ ref_state: "4", ref_notify_state: "1", ref_notify_number: 1 });

    await shop.receiver.resume();
    const told = await viewWhen(shop, order, "confirmed", (view) => view.ref_notify_state === "2");
    expect(told).toMatchObject({ ref_notify_number: 2, pay_notify_number: 1 });
    expect(shop.receiver.about(order.orderNumber, "refund")).toMatchObject([{ signed: true }]);
  });

  it("asks for a later call by Retry-After is called no sooner", async (t) => {
    const shop = await openShop(t);
    shop.receiver.answer((response) => {
      response.writeHead(503, { "retry-after": "20" }).end();
    });
    const order = await paidOrder(shop);
    await viewWhen(shop, order, "told", (view) => view.pay_notify_state === "1");
    shop.receiver.answer(confirm);
    const second = await shop.receiver.heard(order.orderNumber, "pay", 2);
    const [first] = shop.receiver.about(order.orderNumber);
    // Clocks are read at both ends: half a second of grace.
    expect(second.at - (first?.at ?? second.at)).toBeGreaterThan(19_500);
  });

  it("confirms in JSON is called once", async (t) => {
    const shop = await openShop(t);
    shop.receiver.answer(confirmInJson);
    const order = await paidOrder(shop);
    const told = await viewWhen(shop, order, "told", (view) => view.pay_notify_state !== "0");
    expect(told).toMatchObject({ pay_notify_state: "2", pay_notify_number: 1 });
  });
});
