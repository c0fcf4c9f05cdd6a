import { describe, expect, it } from "vitest";
import { dataOf } from "../../scripts/support/app-client.ts";
import { eventually } from "../../scripts/support/eventually.ts";
import { openShop, viewOf, viewWhen, type Shop } from "./support/shop.ts";
import { troubleNotification } from "./support/trouble.ts";
import { paymentFields, post, signedXml, xml, type Fields } from "./support/wechat-notification.ts";

/** An order that is paid at WeChat, of which the gateway knows nothing yet. */
async function secretlyPaid(shop: Shop) {
  const order = dataOf(await shop.app.createOrder({ totalFree: 100 }));
  const paid = await shop.sandbox.pay(order.orderNumber, { notify: false });
  return { order, paid, fields: paymentFields(paid) };
}

describe.each(["MD5", "HMAC-SHA256"] as const)("with %s", (signType) => {
  it("50 copies at once book once and call the app once", async (t) => {
    const shop = await openShop(t, { signType });
    const { order, paid, fields } = await secretlyPaid(shop);
    const body = signedXml(fields, shop.merchant.apiKey, signType);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await post(paid.notifyUrl, body)),
    );
    expect(new Set(answers)).toEqual(new Set(["SUCCESS"]));
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    // One more, late: acknowledged, and nothing comes of it.
    expect(await post(paid.notifyUrl, body)).toBe("SUCCESS");
    expect(await viewOf(shop, order)).toMatchObject({
      pay_state: "2",
      pay_notify_state: "2",
      pay_notify_number: 1,
      transaction_id: paid.transactionId,
    });
    expect(shop.receiver.about(order.orderNumber)).toHaveLength(1);
  });

  it("nothing but WeChat's own word changes an order", async (t) => {
    const shop = await openShop(t, { signType });
    const other = await openShop(t, { signType });
    const { order, paid, fields } = await secretlyPaid(shop);
    const { apiKey } = shop.merchant;
    const signed = (changes: Fields) => signedXml({ ...fields, ...changes }, apiKey, signType);
    const good = signed({});
    const elsewhere = paid.notifyUrl.replace(`/${shop.merchant.id}/`, `/${other.merchant.id}/`);
    const bad: readonly (readonly [what: string, body: string, url?: string])[] = [
      ["unsigned", xml(fields)],
      ["another key", signedXml(fields, other.merchant.apiKey, signType)],
      ["changed after signing", good.replace("<![CDATA[CNY]]>", "<![CDATA[USD]]>")],
      ["less money", signed({ total_fee: "1", cash_fee: "1" })],
      ["more money", signed({ total_fee: "101" })],
      ["another merchant", signed({ mch_id: other.merchant.mchId })],
      ["another official account", signed({ appid: other.merchant.wechatAppId })],
      ["no success", signed({ result_code: "FAIL" })],
      ["an unknown order", signed({ out_trade_no: "0".repeat(32) })],
      ["no transaction", signed({ transaction_id: "" })],
      [
        "signed by the other merchant, at its path",
        signedXml(fields, other.merchant.apiKey, signType),
        elsewhere,
      ],
      ["no XML", "transaction_id=1"],
      ["nothing", ""],
      ["an entity", good.replace("<xml>", '<!DOCTYPE x [<!ENTITY e "1">]><xml>')],
      ["half of it", good.slice(0, good.length / 2)],
    ];
    const answers = await Promise.all(
      bad.map(async ([what, body, url]) => [what, await post(url ?? paid.notifyUrl, body)]),
    );
    expect(answers).toEqual(bad.map(([what]) => [what, "FAIL"]));
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0", transaction_id: null });
    expect(await post(paid.notifyUrl, good)).toBe("SUCCESS");
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    // What contradicts a paid order doesn't change it either.
    expect(await post(paid.notifyUrl, signed({ transaction_id: "4200000000" }))).toBe("FAIL");
    expect(await viewOf(shop, order)).toMatchObject({ transaction_id: paid.transactionId });
    expect(shop.receiver.about(order.orderNumber)).toHaveLength(1);
  });
});

it.for(["forged", "unsigned", "wrong-amount", "wrong-merchant", "wrong-app"])(
  "WeChat's notification, %s, is refused each time it comes, and a query finds the truth",
  async (fault, t) => {
    const shop = await openShop(t);
    const order = dataOf(await shop.app.createOrder());
    const { orderNumber: outTradeNo } = order;
    await troubleNotification(shop, order, "pay", fault);
    await shop.sandbox.pay(outTradeNo);
    const attempts = await eventually("a repeat of the notification", async () => {
      const { notifications } = await shop.sandbox.order(outTradeNo);
      const tried = notifications[0]?.attempts ?? [];
      return tried.length >= 2 ? tried : undefined;
    });
    expect(attempts.filter(({ ok }) => ok)).toEqual([]);
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0", pay_notify_state: "0" });
    const asked = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
    expect(asked).toMatchObject({ pay_state: "2" });
  },
);

it("twice the same notification calls the app once", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const { orderNumber: outTradeNo } = order;
  await troubleNotification(shop, order, "pay", "twice");
  await shop.sandbox.pay(outTradeNo);
  await eventually("both notifications to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(outTradeNo);
    const states = notifications.map(({ state }) => state);
    return states.length === 2 && states.every((state) => state === "acknowledged")
      ? true
      : undefined;
  });
  await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
  expect(shop.receiver.about(outTradeNo)).toHaveLength(1);
});

it("a notification that comes after the query is acknowledged, and is no news", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const { orderNumber } = order;
  await shop.sandbox.pay(orderNumber, { notify: false });
  await shop.app.order({ order_id: order.orderId, sync: 1 });
  await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
  await shop.sandbox.notifyAgain(orderNumber);
  await eventually("the late notification to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(orderNumber);
    return notifications[0]?.state === "acknowledged" ? true : undefined;
  });
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
  expect(shop.receiver.about(orderNumber)).toHaveLength(1);
});
it("money for an order that was closed makes it paid", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const paid = await shop.sandbox.close(order.orderNumber);
  const closed = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
  expect(closed).toMatchObject({ pay_state: "1" });
  const body = signedXml(paymentFields(paid), shop.merchant.apiKey, "MD5");
  expect(await post(paid.notifyUrl, body)).toBe("SUCCESS");
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2" });
  await shop.receiver.heard(order.orderNumber, "pay");
});
