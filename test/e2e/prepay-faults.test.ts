import { describe, expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { paidOrder, viewOf, type Shop } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";
import { addCallFault } from "./support/wechat-faults.ts";

// A fault is bound to an order, so that it can't hit another test's call; an order that WeChat
// knows already is requested again by appOrderNo.
async function orderWithFault(shop: Shop, fault: string, times: number) {
  const request = { appOrderNo: "no-1", totalFree: 700 };
  const order = dataOf(await shop.app.createOrder(request));
  await addCallFault(shop, order, "unifiedorder", fault, { times });
  return { request, order };
}

const FAULTS = [
  "no-answer",
  "no-answer-after",
  "drop-before",
  "drop-after",
  "http-500",
  "systemerror",
  "systemerror-after",
  "wrong-signature",
  "html-page",
];

describe("create-order, WeChat's answer faulty", () => {
  test.for(FAULTS)("%s once: the gateway retries", async (fault, t) => {
    const shop = await openShop(t);
    const { request, order } = await orderWithFault(shop, fault, 1);
    const again = dataOf(await shop.app.createOrder(request));
    expect(again).toMatchObject({ orderNumber: order.orderNumber, orderId: order.orderId });
  });

  test.for(FAULTS)("%s twice: the app is asked to repeat the request", async (fault, t) => {
    const shop = await openShop(t);
    const { request, order } = await orderWithFault(shop, fault, 2);
    const unsure = await shop.app.createOrder(request);
    expect(unsure).toMatchObject({
      code: 503,
      errmsg: expect.stringContaining("重复本请求是安全的"),
    });
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0" });
    const again = dataOf(await shop.app.createOrder(request));
    expect(again).toMatchObject({ orderNumber: order.orderNumber, orderId: order.orderId });
    const { state, totalFee } = await shop.sandbox.order(order.orderNumber);
    expect({ state, totalFee }).toEqual({ state: "NOTPAY", totalFee: 700 });
  });

  test("ORDERPAID: the order becomes paid", async (t) => {
    const shop = await openShop(t);
    const request = { appOrderNo: "no-1" };
    const order = dataOf(await shop.app.createOrder(request));
    await shop.sandbox.pay(order.orderNumber, { notify: false });
    const answer = await shop.app.createOrder(request);
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
    await shop.receiver.waitForCallback(order.orderNumber, "pay");
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2" });
  });

  test("a refusal: errmsg contains WeChat's code and text", async (t) => {
    const shop = await openShop(t);
    const request = { appOrderNo: "no-1" };
    const order = dataOf(await shop.app.createOrder(request));
    await addCallFault(shop, order, "unifiedorder", "refuse", {
      errCode: "NOAUTH",
      errCodeDes: "商户无此接口权限",
    });
    const answer = await shop.app.createOrder(request);
    expect(answer).toMatchObject({ code: 503, errmsg: expect.stringContaining("NOAUTH") });
    expect(answer.errmsg).toContain("商户无此接口权限");
    expect(await shop.app.createOrder(request)).toMatchObject({ code: 0 });
  });
});

test("create-order: refuses the appOrderNo of a paid order", async (t) => {
  const shop = await openShop(t);
  await paidOrder(shop, { appOrderNo: "no-1" });
  const answer = await shop.app.createOrder({ appOrderNo: "no-1" });
  expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
});
