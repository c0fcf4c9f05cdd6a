import { describe, expect, inject, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { isRefundConfirmed, paidOrder, viewOf, waitForView } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";
import { addNotificationFault } from "./support/wechat-faults.ts";

/** The status of an answer after which WeChat repeats; APIv2 says so in the body. */
const REFUSED_FOR_NOW = { v2: 200, v3: 503 } as const;

test("refund-money: 50 concurrent requests make one refund", async (t) => {
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

test("an abnormal refund keeps its amount reserved and may still succeed", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop);
  const refund = dataOf(await shop.app.refund(order.orderId));
  await shop.sandbox.decideRefund(refund.refund_no, "CHANGE");
  const failed = await shop.receiver.waitForCallback(order.orderNumber, "refund");
  expect(failed).toMatchObject({ signed: true, fields: { ref_state: "3", ...refund } });
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "3", refund_free: 100 });
  // A repeat makes no second refund, and names the stuck one: it may still succeed.
  expect(await shop.app.refund(order.orderId)).toMatchObject({
    code: 501,
    errmsg: expect.stringMatching(new RegExp(`退款异常.*${refund.refund_no}`)),
  });

  await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
  const done = await shop.receiver.waitForCallback(order.orderNumber, "refund", 2);
  expect(done).toMatchObject({ signed: true, fields: { ref_state: "4", ...refund } });
  expect(done.fields["eventId"]).not.toBe(failed.fields["eventId"]);
  const view = await waitForView(shop, order, "confirmed", isRefundConfirmed);
  expect(view).toMatchObject({ ref_state: "4" });
});

test("a closed refund releases its amount to a new out_refund_no", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop);
  const first = dataOf(await shop.app.refund(order.orderId));
  await shop.sandbox.decideRefund(first.refund_no, "REFUNDCLOSE");
  const callback = await shop.receiver.waitForCallback(order.orderNumber, "refund");
  expect(callback.fields).toMatchObject({ ref_state: "3", ...first });
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "3", refund_free: 0 });

  // WeChat refuses a second refund within a minute of the first: the gateway holds it that long.
  const held = await shop.app.refund(order.orderId);
  expect(held).toMatchObject({ code: 503, errmsg: expect.stringContaining("间隔一分钟") });
  await waitForView(shop, order, "sent", (view) => view.ref_state === "2", 90_000);
  const second = dataOf(await shop.app.refund(order.orderId));
  expect(second.refund_no).not.toBe(first.refund_no);
  expect(await viewOf(shop, order)).toMatchObject({ ref_state: "2", ...second });
  await shop.sandbox.decideRefund(second.refund_no, "SUCCESS");
  await waitForView(shop, order, "refunded", (view) => view.ref_state === "4");
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(new Set(refunds.map(({ outRefundNo, status }) => [outRefundNo, status]))).toEqual(
    new Set([
      [first.refund_no, "REFUNDCLOSE"],
      [second.refund_no, "SUCCESS"],
    ]),
  );
});

test("appRefundNo: names one refund of one amount", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop, { totalFree: 300 });
  const request = { appRefundNo: "r-1", refundFree: 300 };
  const refund = dataOf(await shop.app.refund(order.orderId, request));
  expect(dataOf(await shop.app.refund(order.orderId, request))).toEqual(refund);
  for (const other of [{ ...request, refundFree: 299 }, { appRefundNo: "r-2" }]) {
    expect(await shop.app.refund(order.orderId, other)).toMatchObject({ code: 501 });
  }
  const { refunds } = await shop.sandbox.order(order.orderNumber);
  expect(refunds).toHaveLength(1);
  await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
  const callback = await shop.receiver.waitForCallback(order.orderNumber, "refund");
  expect(callback.fields).toMatchObject({ app_refund_no: "r-1", refund_free: "300" });
});

test("refund-money: more than the payment is refused without a call to WeChat", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop, { totalFree: 300 });
  const answer = await shop.app.refund(order.orderId, { refundFree: 301, appRefundNo: "r-1" });
  expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("300") });
  expect((await shop.sandbox.order(order.orderNumber)).refunds).toEqual([]);
});

describe("refund notification", () => {
  test.for(["before-its-time", "forged", "unsigned", "wrong-amount", "wrong-merchant"])(
    "%s: changes nothing that a query doesn't confirm",
    async (fault, t) => {
      const shop = await openShop(t);
      const order = await paidOrder(shop);
      await addNotificationFault(shop, order, "refund", fault);
      const refund = dataOf(await shop.app.refund(order.orderId));
      // The sandbox sends the first kind at once, reporting a success that didn't happen.
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
      // Whatever the notification says, the record follows WeChat's answer to a query.
      expect(["2", "4"]).toContain(view.ref_state);
      expect(view.refund_free).toBe(100);
      if (view.ref_state === "4") expect(fault).toBe("wrong-amount");
      const synced = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
      expect(synced).toMatchObject({ ref_state: fault === "before-its-time" ? "2" : "4" });
    },
  );
});
