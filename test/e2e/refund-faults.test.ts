import { describe, expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { openShop, paidOrder, viewOf, viewWhen } from "./support/shop.ts";
import { troubleCall } from "./support/wechat-faults.ts";

/** What leaves the gateway without knowing whether WeChat took the refund. */
const UNCERTAIN = [
  "no-answer",
  "no-answer-after",
  "drop-before",
  "drop-after",
  "http-500",
  "http-500-after",
  "systemerror",
  "systemerror-after",
  "wrong-signature",
  "html-page",
];

describe("when WeChat's answer to a refund is", () => {
  it.for(UNCERTAIN)("%s, a repeat gives the one refund", async (fault, t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await troubleCall(shop, order, "refund", fault);

    const unsure = await shop.app.refund(order.orderId);
    expect(unsure).toMatchObject({
      code: 503,
      errmsg: expect.stringContaining("重复本请求是安全的"),
    });
    const between = await viewOf(shop, order);
    // Unknown is never reported as refused; the amount stays reserved, under one number.
    expect(["0", "2"]).toContain(between.ref_state);
    expect(between.refund_free).toBe(100);

    const refund = dataOf(await shop.app.refund(order.orderId));
    expect(refund.refund_no).toBe(between.refund_no);
    expect(await viewOf(shop, order)).toMatchObject({ ref_state: "2", ...refund });
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    expect(refunds).toMatchObject([{ outRefundNo: refund.refund_no, refundFee: 100 }]);
    await shop.sandbox.decideRefund(refund.refund_no, "SUCCESS");
    await viewWhen(shop, order, "refunded", (view) => view.ref_state === "4");
  });

  it("slow, the app waits and is answered", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await troubleCall(shop, order, "refund", "slow", { delayMs: 1500 });
    expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 0 });
  });

  it("lost, and nobody repeats, the gateway asks by itself", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await troubleCall(shop, order, "refund", "drop-after");
    expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 503 });
    const view = await viewWhen(shop, order, "accepted", ({ ref_state }) => ref_state === "2");
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    expect(refunds).toMatchObject([{ outRefundNo: view.refund_no, refundId: view.refund_id }]);
  });

  it("a refusal, the state says so and a repeat has the same number", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await troubleCall(shop, order, "refund", "refuse", {
      errCode: "NOTENOUGH",
      errCodeDes: "余额不足",
    });
    const refused = await shop.app.refund(order.orderId);
    expect(refused).toMatchObject({ code: 503, errmsg: expect.stringContaining("NOTENOUGH") });
    const view = await viewOf(shop, order);
    expect(view).toMatchObject({ ref_state: "1", refund_id: null });
    const refund = dataOf(await shop.app.refund(order.orderId));
    expect(refund.refund_no).toBe(view.refund_no);
    expect(await viewOf(shop, order)).toMatchObject({ ref_state: "2" });
  });
});
