import { describe, expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { openShop, paidOrder, viewOf, type Shop } from "./support/shop.ts";
import { troubleCall } from "./support/wechat-faults.ts";

// Faults are bound to an order, so that no other test's call meets them; an order that WeChat knows
// already is asked for again by the app's own number.
async function troubled(shop: Shop, fault: string, times: number) {
  const wish = { appOrderNo: "no-1", totalFree: 700 };
  const order = dataOf(await shop.app.createOrder(wish));
  await troubleCall(shop, order, "unifiedorder", fault, { times });
  return { wish, order };
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

describe("when WeChat's answer to an order is", () => {
  it.for(FAULTS)("%s once, the gateway repeats by itself", async (fault, t) => {
    const shop = await openShop(t);
    const { wish, order } = await troubled(shop, fault, 1);
    const again = dataOf(await shop.app.createOrder(wish));
    expect(again).toMatchObject({ orderNumber: order.orderNumber, orderId: order.orderId });
  });

  it.for(FAULTS)("%s twice, the app is told to repeat", async (fault, t) => {
    const shop = await openShop(t);
    const { wish, order } = await troubled(shop, fault, 2);
    const unsure = await shop.app.createOrder(wish);
    expect(unsure).toMatchObject({
      code: 503,
      errmsg: expect.stringContaining("重复本请求是安全的"),
    });
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0" });
    const again = dataOf(await shop.app.createOrder(wish));
    expect(again).toMatchObject({ orderNumber: order.orderNumber, orderId: order.orderId });
    const { state, totalFee } = await shop.sandbox.order(order.orderNumber);
    expect({ state, totalFee }).toEqual({ state: "NOTPAY", totalFee: 700 });
  });

  it("that it is paid, the order becomes paid", async (t) => {
    const shop = await openShop(t);
    const wish = { appOrderNo: "no-1" };
    const order = dataOf(await shop.app.createOrder(wish));
    await shop.sandbox.pay(order.orderNumber, { notify: false });
    const answer = await shop.app.createOrder(wish);
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
    await shop.receiver.heard(order.orderNumber, "pay");
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2" });
  });

  it("a refusal that the app can't mend, it is told WeChat's words", async (t) => {
    const shop = await openShop(t);
    const wish = { appOrderNo: "no-1" };
    const order = dataOf(await shop.app.createOrder(wish));
    await troubleCall(shop, order, "unifiedorder", "refuse", {
      errCode: "NOAUTH",
      errCodeDes: "商户无此接口权限",
    });
    const answer = await shop.app.createOrder(wish);
    expect(answer).toMatchObject({ code: 503, errmsg: expect.stringContaining("NOAUTH") });
    expect(answer.errmsg).toContain("商户无此接口权限");
    expect(await shop.app.createOrder(wish)).toMatchObject({ code: 0 });
  });
});

it("an order that is paid can't be asked for again", async (t) => {
  const shop = await openShop(t);
  await paidOrder(shop, { appOrderNo: "no-1" });
  const answer = await shop.app.createOrder({ appOrderNo: "no-1" });
  expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining("已支付") });
});
