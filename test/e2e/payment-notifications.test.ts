import { describe, expect, it } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { openShop, SIGN_TYPES, viewOf, viewWhen, type Shop } from "./support/shop.ts";
import { troubleNotification } from "./support/wechat-faults.ts";
import {
  factsOf,
  penFor,
  post,
  type Message,
  type PaymentFacts,
} from "./support/wechat-notification.ts";

/** An order that is paid at WeChat, of which the gateway knows nothing yet. */
async function secretlyPaid(shop: Shop) {
  const order = dataOf(await shop.app.createOrder({ totalFree: 100 }));
  const paid = await shop.sandbox.pay(order.orderNumber, { notify: false });
  return { order, paid, facts: factsOf(paid) };
}

describe.each(SIGN_TYPES)("with %s", (signType) => {
  it("50 copies at once book once and call the app once", async (t) => {
    const shop = await openShop(t, { signType });
    const { order, paid, facts } = await secretlyPaid(shop);
    const message = penFor(shop.merchant).write(facts, shop.merchant);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await post(paid.notifyUrl, message)),
    );
    expect(new Set(answers)).toEqual(new Set([true]));
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    // One more, late: acknowledged, and nothing comes of it.
    expect(await post(paid.notifyUrl, message)).toBe(true);
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
    const { order, paid, facts } = await secretlyPaid(shop);
    const pen = penFor(shop.merchant);
    const signed = (changes: Partial<PaymentFacts>) =>
      pen.write({ ...facts, ...changes }, shop.merchant);
    const good = signed({});
    const elsewhere = paid.notifyUrl.replace(`/${shop.merchant.id}/`, `/${other.merchant.id}/`);
    const bad: readonly (readonly [what: string, message: Message, url?: string])[] = [
      ...Object.entries(pen.spoil(facts, shop.merchant)),
      ["another merchant's key", pen.write(facts, other.merchant)],
      ["less money", signed({ totalFen: 1 })],
      ["more money", signed({ totalFen: 101 })],
      ["another merchant", signed({ mchId: other.merchant.mchId })],
      ["another official account", signed({ appId: other.merchant.wechatAppId })],
      ["no success", signed({ success: false })],
      ["an unknown order", signed({ orderNumber: "0".repeat(32) })],
      ["no transaction", signed({ transactionId: "" })],
      ["by the other merchant's key, at its path", pen.write(facts, other.merchant), elsewhere],
      ["another language", { ...good, body: "transaction_id=1" }],
      ["nothing", { ...good, body: "" }],
      ["half of it", { ...good, body: good.body.slice(0, good.body.length / 2) }],
    ];
    const answers = await Promise.all(
      bad.map(async ([what, message, url]) => [what, await post(url ?? paid.notifyUrl, message)]),
    );
    expect(answers).toEqual(bad.map(([what]) => [what, false]));
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0", transaction_id: null });
    expect(await post(paid.notifyUrl, good)).toBe(true);
    await viewWhen(shop, order, "confirmed", (view) => view.pay_notify_state === "2");
    // What contradicts a paid order doesn't change it either.
    expect(await post(paid.notifyUrl, signed({ transactionId: "4200000000" }))).toBe(false);
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
  const message = penFor(shop.merchant).write(factsOf(paid), shop.merchant);
  expect(await post(paid.notifyUrl, message)).toBe(true);
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2" });
  await shop.receiver.heard(order.orderNumber, "pay");
});
