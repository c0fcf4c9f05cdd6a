import { expect, it } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import { bridgeParams, type CreatedOrder } from "../../../testkit/contract.ts";
import { answersIn } from "../../../testkit/sandbox-client.ts";
import { openShop, paidOrder, v3Credentials, viewWhen, type Shop } from "../support/shop.ts";

const WISH = { appOrderNo: "no-1" };

/** What the gateway has asked WeChat about an order, by path. */
async function pathsAbout({ sandbox }: Shop, { orderNumber }: CreatedOrder): Promise<string[]> {
  const { calls } = await sandbox.state();
  const about = calls.filter(({ path, outTradeNo }) => {
    return outTradeNo === orderNumber && path.startsWith("/");
  });
  return about.map(({ path }) => path);
}

const signTypeOf = ({ apiParams }: CreatedOrder) =>
  bridgeParams.parse(JSON.parse(apiParams)).signType;

it("a merchant that moves to APIv3 finishes its old orders in APIv2", async (t) => {
  const shop = await openShop(t, { signType: "MD5" });
  const { admin, app, merchant, receiver, sandbox } = shop;
  const paid = await paidOrder(shop);
  const unpaid = dataOf(await app.createOrder(WISH));
  const forgotten = dataOf(await app.createOrder());

  const changes = { protocol: "v3", ...v3Credentials(merchant.apiV3Key) } as const;
  await admin.changeMerchant(merchant.id, changes);

  // Asked for once more, it is what it was.
  const again = dataOf(await app.createOrder(WISH));
  expect(again).toMatchObject({ orderNumber: unpaid.orderNumber });
  expect(signTypeOf(again)).toBe("MD5");
  // Notified …
  await sandbox.pay(unpaid.orderNumber);
  await receiver.heard(unpaid.orderNumber, "pay");
  // … queried …
  await sandbox.pay(forgotten.orderNumber, { notify: false });
  const asked = dataOf(await app.order({ order_id: forgotten.orderId, sync: 1 }));
  expect(asked).toMatchObject({ pay_state: "2" });
  expect(await pathsAbout(shop, forgotten)).toContain("/pay/orderquery");
  // … and refunded, to the end.
  const { refund_no: refundNo } = dataOf(await app.refund(paid.orderId));
  await sandbox.decideRefund(refundNo, "SUCCESS");
  await viewWhen(shop, paid, "refunded", (view) => view.ref_notify_state === "2");
  for (const { orderNumber } of [unpaid, forgotten, paid]) {
    const old = await sandbox.order(orderNumber);
    const all = [old, ...old.refunds, ...old.notifications];
    expect(new Set(all.map(({ protocol }) => protocol))).toEqual(new Set(["v2"]));
  }

  const fresh = dataOf(await app.createOrder());
  expect(signTypeOf(fresh)).toBe("RSA");
  await sandbox.pay(fresh.orderNumber);
  await receiver.heard(fresh.orderNumber, "pay");
  const books = await sandbox.order(fresh.orderNumber);
  expect(books).toMatchObject({ protocol: "v3", notifications: [{ protocol: "v3" }] });
  expect(answersIn(books)).toEqual([204]);
});
