import { expect, it } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import type { CreatedOrder } from "../../../testkit/contract.ts";
import { PLATFORM_CERTIFICATE, WECHAT_PAY_PUBLIC_KEY } from "../../../testkit/demo-merchant.ts";
import { eventually } from "../../../testkit/eventually.ts";
import { answersIn } from "../../../testkit/sandbox-client.ts";
import { openShop, viewWhen, type Shop } from "../support/shop.ts";

const CUSTOMERS = 3;

/** A customer who buys, pays and gets the money back, over and over until the shop closes. */
async function customer(shop: Shop, isOpen: () => boolean): Promise<CreatedOrder[]> {
  const orders: CreatedOrder[] = [];
  while (isOpen()) {
    const order = dataOf(await shop.app.createOrder());
    orders.push(order);
    await shop.sandbox.pay(order.orderNumber);
    await viewWhen(shop, order, "told", (view) => view.pay_notify_state === "2");
    const { refund_no: refundNo } = dataOf(await shop.app.refund(order.orderId));
    await shop.sandbox.decideRefund(refundNo, "SUCCESS");
    await viewWhen(shop, order, "told again", (view) => view.ref_notify_state === "2");
  }
  return orders;
}

it("no message fails while WeChat goes over from its certificate to its public key", async (t) => {
  const shop = await openShop(t);
  const { admin, merchant, receiver, sandbox } = shop;
  let open = true;
  const customers = Array.from({ length: CUSTOMERS }, async () => await customer(shop, () => open));
  const trade = async (callbacks: number): Promise<void> => {
    const awaited = receiver.callbacks.length + callbacks;
    await Promise.race([
      eventually(`callback ${awaited}`, () => receiver.callbacks[awaited - 1], 60_000),
      // One who fails tells why.
      Promise.all(customers),
    ]);
  };
  const switching = async (switchPercent: number): Promise<void> => {
    await sandbox.changeKeys(merchant.mchId, { verifyMode: "switching", switchPercent });
  };

  await trade(2);
  await switching(0);
  await admin.changeMerchant(merchant.id, { verifyKeys: [WECHAT_PAY_PUBLIC_KEY] });
  await trade(2);
  await switching(50);
  await trade(6);
  await switching(100);
  await trade(4);
  await sandbox.changeKeys(merchant.mchId, { verifyMode: "public-key" });
  const { id } = PLATFORM_CERTIFICATE;
  await admin.changeMerchant(merchant.id, { verifyKeys: [{ id, pem: null }] });
  await trade(4);
  open = false;

  const orders = (await Promise.all(customers)).flat();
  const books = await Promise.all(
    orders.map(async ({ orderNumber }) => await sandbox.order(orderNumber)),
  );
  // A payment and a refund each, acknowledged at once: none was refused.
  expect(books.map(answersIn)).toEqual(books.map(() => [204, 204]));
});
