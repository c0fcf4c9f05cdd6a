import { describe, expect, test } from "vitest";
import { dataOf } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { isPaymentConfirmed, viewOf, waitForView, type Shop } from "../../testkit/shop.ts";
import {
  notificationsFor,
  paymentFacts,
  post,
  type Message,
  type PaymentFacts,
} from "../../testkit/wechat-notification.ts";
import { openShop, SIGN_TYPES } from "./support/shop.ts";
import { addNotificationFault } from "./support/wechat-faults.ts";

/** An order that is paid at WeChat, and that WeChat sends no notification of. */
async function paidWithoutNotification(shop: Shop) {
  const order = dataOf(await shop.app.createOrder({ totalFree: 100 }));
  const paid = await shop.sandbox.pay(order.orderNumber, { notify: false });
  return { order, paid, facts: paymentFacts(paid) };
}

describe.each(SIGN_TYPES)("payment notification signed with %s", (signType) => {
  test("50 concurrent copies are recorded once and call the app once", async (t) => {
    const shop = await openShop(t, { signType });
    const { order, paid, facts } = await paidWithoutNotification(shop);
    const message = notificationsFor(shop.merchant).write(facts, shop.merchant);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await post(paid.notifyUrl, message)),
    );
    expect(new Set(answers)).toEqual(new Set([true]));
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    // One more, late: acknowledged, and nothing changes.
    expect(await post(paid.notifyUrl, message)).toBe(true);
    expect(await viewOf(shop, order)).toMatchObject({
      pay_state: "2",
      pay_notify_state: "2",
      pay_notify_number: 1,
      transaction_id: paid.transactionId,
    });
    expect(shop.receiver.callbacksFor(order.orderNumber)).toHaveLength(1);
  });

  test("one that isn't WeChat's, or contradicts the order, changes nothing", async (t) => {
    const shop = await openShop(t, { signType });
    const other = await openShop(t, { signType });
    const { order, paid, facts } = await paidWithoutNotification(shop);
    const notifications = notificationsFor(shop.merchant);
    const signed = (changes: Partial<PaymentFacts>) =>
      notifications.write({ ...facts, ...changes }, shop.merchant);
    const valid = signed({});
    const otherPath = paid.notifyUrl.replace(`/${shop.merchant.id}/`, `/${other.merchant.id}/`);
    const invalid: readonly (readonly [fault: string, message: Message, url?: string])[] = [
      ...Object.entries(notifications.writeInvalid(facts, shop.merchant)),
      ["another merchant's key", notifications.write(facts, other.merchant)],
      ["less money", signed({ totalFen: 1 })],
      ["more money", signed({ totalFen: 101 })],
      ["another merchant", signed({ mchId: other.merchant.mchId })],
      ["another official account", signed({ appId: other.merchant.wechatAppId })],
      ["not a success", signed({ success: false })],
      ["an unknown order", signed({ orderNumber: "0".repeat(32) })],
      ["no transaction id", signed({ transactionId: "" })],
      [
        "the other merchant's key, at its path",
        notifications.write(facts, other.merchant),
        otherPath,
      ],
      ["another format", { ...valid, body: "transaction_id=1" }],
      ["an empty body", { ...valid, body: "" }],
      ["a truncated body", { ...valid, body: valid.body.slice(0, valid.body.length / 2) }],
    ];
    const answers = await Promise.all(
      invalid.map(async ([fault, message, url]) => [
        fault,
        await post(url ?? paid.notifyUrl, message),
      ]),
    );
    expect(answers).toEqual(invalid.map(([fault]) => [fault, false]));
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0", transaction_id: null });
    expect(await post(paid.notifyUrl, valid)).toBe(true);
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    // A contradiction doesn't change a paid order either.
    expect(await post(paid.notifyUrl, signed({ transactionId: "4200000000" }))).toBe(false);
    expect(await viewOf(shop, order)).toMatchObject({ transaction_id: paid.transactionId });
    expect(shop.receiver.callbacksFor(order.orderNumber)).toHaveLength(1);
  });
});

test.for(["forged", "unsigned", "wrong-amount", "wrong-merchant", "wrong-app"])(
  "payment notification, %s: refused at each attempt, and a query finds the payment",
  async (fault, t) => {
    const shop = await openShop(t);
    const order = dataOf(await shop.app.createOrder());
    const { orderNumber: outTradeNo } = order;
    await addNotificationFault(shop, order, "pay", fault);
    await shop.sandbox.pay(outTradeNo);
    const attempts = await eventually("a repeat of the notification", async () => {
      const { notifications } = await shop.sandbox.order(outTradeNo);
      const tried = notifications[0]?.attempts ?? [];
      return tried.length >= 2 ? tried : undefined;
    });
    expect(attempts.filter(({ ok }) => ok)).toEqual([]);
    expect(await viewOf(shop, order)).toMatchObject({ pay_state: "0", pay_notify_state: "0" });
    const synced = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
    expect(synced).toMatchObject({ pay_state: "2" });
  },
);

test("payment notification sent twice: the app is called once", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const { orderNumber: outTradeNo } = order;
  await addNotificationFault(shop, order, "pay", "twice");
  await shop.sandbox.pay(outTradeNo);
  await eventually("both notifications to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(outTradeNo);
    const states = notifications.map(({ state }) => state);
    return states.length === 2 && states.every((state) => state === "acknowledged")
      ? true
      : undefined;
  });
  await waitForView(shop, order, "confirmed", isPaymentConfirmed);
  expect(shop.receiver.callbacksFor(outTradeNo)).toHaveLength(1);
});

test("payment notification after a query found the payment: acknowledged, and changes nothing", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const { orderNumber } = order;
  await shop.sandbox.pay(orderNumber, { notify: false });
  await shop.app.order({ order_id: order.orderId, sync: 1 });
  await waitForView(shop, order, "confirmed", isPaymentConfirmed);
  await shop.sandbox.notifyAgain(orderNumber);
  await eventually("the late notification to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(orderNumber);
    return notifications[0]?.state === "acknowledged" ? true : undefined;
  });
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
  expect(shop.receiver.callbacksFor(orderNumber)).toHaveLength(1);
});

test("payment notification for a closed order: the order becomes paid", async (t) => {
  const shop = await openShop(t);
  const order = dataOf(await shop.app.createOrder());
  const closedAtWechat = await shop.sandbox.close(order.orderNumber);
  const closed = dataOf(await shop.app.order({ order_id: order.orderId, sync: 1 }));
  expect(closed).toMatchObject({ pay_state: "1" });
  const message = notificationsFor(shop.merchant).write(
    paymentFacts(closedAtWechat),
    shop.merchant,
  );
  expect(await post(closedAtWechat.notifyUrl, message)).toBe(true);
  expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2" });
  await shop.receiver.waitForCallback(order.orderNumber, "pay");
});
