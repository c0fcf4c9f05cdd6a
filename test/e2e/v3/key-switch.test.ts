import { expect, test } from "vitest";
import { dataOf } from "../../../testkit/app-client.ts";
import type { CreatedOrder } from "../../../testkit/contract.ts";
import { PLATFORM_CERTIFICATE, WECHAT_PAY_PUBLIC_KEY } from "../../../testkit/demo-merchant.ts";
import { eventually } from "../../../testkit/eventually.ts";
import { answersIn } from "../../../testkit/sandbox-client.ts";
import {
  isPaymentConfirmed,
  isRefundConfirmed,
  waitForView,
  type Shop,
} from "../../../testkit/shop.ts";
import { openShop } from "../support/shop.ts";

const CUSTOMERS = 3;

/** Creates, pays and refunds one order after the other until the shop closes. Returns them. */
async function runCustomer(shop: Shop, isOpen: () => boolean): Promise<CreatedOrder[]> {
  const orders: CreatedOrder[] = [];
  while (isOpen()) {
    const order = dataOf(await shop.app.createOrder());
    orders.push(order);
    await shop.sandbox.pay(order.orderNumber);
    await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    const { refund_no: refundNo } = dataOf(await shop.app.refund(order.orderId));
    await shop.sandbox.decideRefund(refundNo, "SUCCESS");
    await waitForView(shop, order, "refunded, and confirmed", isRefundConfirmed);
  }
  return orders;
}

test("no message fails while WeChat switches from its certificate to its public key", async (t) => {
  const shop = await openShop(t);
  const { admin, merchant, receiver, sandbox } = shop;
  let open = true;
  const customers = Array.from(
    { length: CUSTOMERS },
    async () => await runCustomer(shop, () => open),
  );
  const waitForCallbacks = async (callbacks: number): Promise<void> => {
    const awaited = receiver.callbacks.length + callbacks;
    await Promise.race([
      eventually(`callback ${awaited}`, () => receiver.callbacks[awaited - 1], 60_000),
      // A customer who fails ends the test with the reason.
      Promise.all(customers),
    ]);
  };
  const switching = async (switchPercent: number): Promise<void> => {
    await sandbox.changeKeys(merchant.mchId, { verifyMode: "switching", switchPercent });
  };

  await waitForCallbacks(2);
  await switching(0);
  await admin.changeMerchant(merchant.id, { verifyKeys: [WECHAT_PAY_PUBLIC_KEY] });
  await waitForCallbacks(2);
  await switching(50);
  await waitForCallbacks(6);
  await switching(100);
  await waitForCallbacks(4);
  await sandbox.changeKeys(merchant.mchId, { verifyMode: "public-key" });
  const { id } = PLATFORM_CERTIFICATE;
  await admin.changeMerchant(merchant.id, { verifyKeys: [{ id, pem: null }] });
  await waitForCallbacks(4);
  open = false;

  const orders = (await Promise.all(customers)).flat();
  const atWechat = await Promise.all(
    orders.map(async ({ orderNumber }) => await sandbox.order(orderNumber)),
  );
  // Both notifications of each order were acknowledged at the first attempt.
  expect(atWechat.map(answersIn)).toEqual(atWechat.map(() => [204, 204]));
});
