import { describe, expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { paidOrder, viewOf, waitForView } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";
import { addCallFault } from "./support/wechat-faults.ts";

/** Faults after which the gateway can't know whether WeChat has the refund. */
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

describe("refund-money, WeChat's answer faulty", () => {
  test.for(UNCERTAIN)("%s: a repeat returns the same refund", async (fault, t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await addCallFault(shop, order, "refund", fault);

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
    await waitForView(shop, order, "refunded", (view) => view.ref_state === "4");
  });

  test("slow: the app gets the answer", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await addCallFault(shop, order, "refund", "slow", { delayMs: 1500 });
    expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 0 });
  });

  test("lost, and the app doesn't repeat: the gateway queries the refund", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await addCallFault(shop, order, "refund", "drop-after");
    expect(await shop.app.refund(order.orderId)).toMatchObject({ code: 503 });
    const view = await waitForView(shop, order, "accepted", ({ ref_state }) => ref_state === "2");
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    expect(refunds).toMatchObject([{ outRefundNo: view.refund_no, refundId: view.refund_id }]);
  });

  test("a refusal: the state is failed, and a repeat keeps out_refund_no", async (t) => {
    const shop = await openShop(t);
    const order = await paidOrder(shop);
    await addCallFault(shop, order, "refund", "refuse", {
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
