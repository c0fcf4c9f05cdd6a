import { describe, expect, inject, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { openShop, paidOrder, viewOf, viewWhen } from "./support/shop.ts";
import { troubleNotification } from "./support/wechat-faults.ts";

/** The status of an answer that has WeChat come again: APIv2 has its answers in the body. */
const REFUSED_FOR_NOW = { v2: 200, v3: 503 } as const;

it("50 requests at once are one refund", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop, { totalFree: 300 });
  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => dataOf(await shop.app.refund(order.orderId))),
  );
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(refunds).toMatchObject([{ refundFee: 300, totalFee: 300, status: "PROCESSING" }]);
  const [refund] = refunds;
  const expected = { refund_id: refund?.refundId, refund_no: refund?.outRefundNo };
  expect(answers).toEqual(answers.map(() => expected));
});

it("one that WeChat can't pay out is not over, and may still succeed", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop);
  const refund = dataOf(await shop.app.refund(order.orderId));
  await shop.sandbox.decideRefund(refund.refund_no, "CHANGE");
  const failed = await shop.receiver.heard(order.orderNumber, "refund");
  expect(failed).toMatchObject({ signed: true, fields: { ref_state: "3", ...refund } });
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "3", refund_free: 100 });
  // Asking again makes no second refund: the first may still come.
  expect(dataOf(await shop.app.refund(order.orderId))).toEqual(refund);

  await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
  const done = await shop.receiver.heard(order.orderNumber, "refund", 2);
  expect(done).toMatchObject({ signed: true, fields: { ref_state: "4", ...refund } });
  expect(done.fields["eventId"]).not.toBe(failed.fields["eventId"]);
  const end = await viewWhen(shop, order, "told", (view) => view.ref_notify_state === "2");
  expect(end).toMatchObject({ ref_state: "4" });
});

it("one that WeChat closed for good makes room for a new number", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop);
  const first = dataOf(await shop.app.refund(order.orderId));
  await shop.sandbox.decideRefund(first.refund_no, "REFUNDCLOSE");
  const told = await shop.receiver.heard(order.orderNumber, "refund");
  expect(told.fields).toMatchObject({ ref_state: "3", ...first });
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "3", refund_free: 0 });

  // Within a minute of the first one, which WeChat doesn't take: it is kept until then.
  const held = await shop.app.refund(order.orderId);
  expect(held).toMatchObject({ code: 503, errmsg: expect.stringContaining("间隔一分钟") });
  await viewWhen(shop, order, "sent", (view) => view.ref_state === "2", 90_000);
  const second = dataOf(await shop.app.refund(order.orderId));
  expect(second.refund_no).not.toBe(first.refund_no);
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "2", ...second });
  await shop.sandbox.decideRefund(second.refund_no, "SUCCESS");
  await viewWhen(shop, order, "refunded", (view) => view.ref_state === "4");
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(new Set(refunds.map(({ outRefundNo, status }) => [outRefundNo, status]))).toEqual(
    new Set([
      [first.refund_no, "REFUNDCLOSE"],
      [second.refund_no, "SUCCESS"],
    ]),
  );
});

it("an app's own refund number names one refund, of one amount", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop, { totalFree: 300 });
  const wish = { appRefundNo: "r-1", refundFree: 300 };
  const refund = dataOf(await shop.app.refund(order.orderId, wish));
  expect(dataOf(await shop.app.refund(order.orderId, wish))).toEqual(refund);
  for (const other of [{ ...wish, refundFree: 299 }, { appRefundNo: "r-2" }]) {
    expect(await shop.app.refund(order.orderId, other)).toMatchObject({ code: 501 });
  }
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(refunds).toHaveLength(1);
  await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
  const told = await shop.receiver.heard(order.orderNumber, "refund");
  expect(told.fields).toMatchObject({ app_refund_no: "r-1", refund_free: "300" });
});

it("more than was paid is refused, and WeChat isn't even asked", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop, { totalFree: 300 });
  const answer = await shop.app.refund(order.orderId, { refundFree: 301, appRefundNo: "r-1" });
  expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("300") });
  expect((await shop.sandbox.order(order.orderNumber)).refunds).toEqual([]);
});

describe("WeChat's notification of a refund is a hint only:", () => {
  it.for(["before-its-time", "forged", "unsigned", "wrong-amount", "wrong-merchant"])(
    "one that is %s changes nothing",
    async (fault, t) => {
      const shop = await openShop(t);
      const order = await paidOrder(shop);
      await troubleNotification(shop, order, "refund", fault);
      const refund = dataOf(await shop.app.refund(order.orderId));
      // The sandbox sends the first kind right away, claiming a success that isn't there.
      if (fault !== "before-its-time") {
        await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
      }
      const attempts = await eventually("the notification", async () => {
        const { notifications } = await shop.sandbox.order(order.orderNumber);
        const sent = notifications.find(({ kind }) => kind === "refund");
        return sent !== undefined && sent.attempts.length > 0 ? sent.attempts : undefined;
      });
      const view = await viewOf(shop, order);
      if (fault === "before-its-time") {
        expect(attempts[0]).toMatchObject({
          status: REFUSED_FOR_NOW[inject("protocol")],
          ok: false,
        });
        expect(view).toMatchObject({ ref_state: "2" });
      }
      // Whatever the notification said, the record says what WeChat's answer to a query says.
      expect(["2", "4"]).toContain(view.ref_state);
      expect(view.refund_free).toBe(100);
      if (view.ref_state === "4") expect(fault).toBe("wrong-amount");
      const asked = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
      expect(asked).toMatchObject({ ref_state: fault === "before-its-time" ? "2" : "4" });
    },
  );
});
