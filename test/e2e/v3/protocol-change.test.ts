import { expect, test } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import { bridgeParams, type CreatedOrder } from "../../../testkit/contract.ts";
import { answersIn } from "../../../testkit/sandbox-client.ts";
import {
  isRefundConfirmed,
  paidOrder,
  v3Credentials,
  waitForView,
  type Shop,
} from "../../../testkit/shop.ts";
import { openShop } from "../support/shop.ts";

const ORDER = { appOrderNo: "no-1" };

/** The paths of the gateway's calls to WeChat about an order. */
async function callPaths({ sandbox }: Shop, { orderNumber }: CreatedOrder): Promise<string[]> {
  const { calls } = await sandbox.state();
  const related = calls.filter(({ path, outTradeNo }) => {
    return outTradeNo === orderNumber && path.startsWith("/");
  });
  return related.map(({ path }) => path);
}

const signTypeOf = ({ apiParams }: CreatedOrder) =>
  bridgeParams.parse(JSON.parse(apiParams)).signType;

test("a merchant that moves to APIv3 completes its earlier orders in APIv2", async (t) => {
  const shop = await openShop(t, { signType: "MD5" });
  const { admin, app, merchant, receiver, sandbox } = shop;
  const paid = await paidOrder(shop);
  const unpaid = dataOf(await app.createOrder(ORDER));
  const forgotten = dataOf(await app.createOrder());

  const changes = { protocol: "v3", ...v3Credentials(merchant.apiV3Key) } as const;
  await admin.changeMerchant(merchant.id, changes);

  // A repeated request returns the order as it was.
  const again = dataOf(await app.createOrder(ORDER));
  expect(again).toMatchObject({ orderNumber: unpaid.orderNumber });
  expect(signTypeOf(again)).toBe("MD5");
  // Payment notified …
  await sandbox.pay(unpaid.orderNumber);
  await receiver.waitForCallback(unpaid.orderNumber, "pay");
  // … queried …
  await sandbox.pay(forgotten.orderNumber, { notify: false });
  const synced = dataOf(await app.order({ order_id: forgotten.orderId, sync: 1 }));
  expect(synced).toMatchObject({ pay_state: "2" });
  expect(await callPaths(shop, forgotten)).toContain("/pay/orderquery");
  // … and refunded.
  const { refund_no: refundNo } = dataOf(await app.refund(paid.orderId));
  await sandbox.decideRefund(refundNo, "SUCCESS");
  await waitForView(shop, paid, "refunded", isRefundConfirmed);
  for (const { orderNumber } of [unpaid, forgotten, paid]) {
    const earlier = await sandbox.order(orderNumber);
    const all = [earlier, ...earlier.refunds, ...earlier.notifications];
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(["v2"]));
  }

  const fresh = dataOf(await app.createOrder());
  expect(signTypeOf(fresh)).toBe("RSA");
  await sandbox.pay(fresh.orderNumber);
  await receiver.waitForCallback(fresh.orderNumber, "pay");
  const freshAtWechat = await sandbox.order(fresh.orderNumber);
  expect(freshAtWechat).toMatchObject({ protocol: "v3", notifications: [{ protocol: "v3" }] });
  expect(answersIn(freshAtWechat)).toEqual([204]);
});
