import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { updateMerchant } from "../../src/db/merchants.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { keys, publicKey } from "../wechat/v3/support/fixtures.ts";
import { API_V3_KEY } from "../wechat/v3/support/fixtures.ts";
import { makeOrder, ORDER, refund, refundOf, rowOf, runNext } from "../support/life.ts";
import { ask } from "../support/gateway.ts";
import { notifyPayment, notifyRefund } from "../support/notices.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";

afterEach(closeWorld);

async function change(shop: Shop, changes: Parameters<typeof updateMerchant>[3]): Promise<void> {
  const masterKey = await importMasterKey(env.MASTER_KEY);
  await updateMerchant(connect(env.DB), masterKey, shop.merchantId, changes, Date.now());
  forgetSettings();
}

/** The merchant's orders speak APIv3 from now on. */
async function toV3(world: World): Promise<World> {
  await change(world.shop, {
    protocol: "v3",
    apiV3Key: API_V3_KEY,
    merchantSerialNo: keys.merchant.serialNo,
    merchantPrivateKey: keys.merchant.privateKey,
    verifyKeys: [publicKey],
  });
  return { ...world, shop: { ...world.shop, signType: "RSA" } };
}

test("a merchant's change to APIv3 leaves the orders before it with APIv2", async () => {
  const before = await openWorld("HMAC-SHA256");
  const [waiting, paid] = [await makeOrder(before), await makeOrder(before)];
  const after = await toV3(before);

  // The old orders: a late notification, queries, a refund and its notification.
  const payment = before.wechat.pay(paid.number);
  expect(await notifyPayment(before.shop, paid.number, payment)).toBe(true);
  before.wechat.pay(waiting.number);
  await runNext(waiting, "poll-payment");
  for (const order of [waiting, paid]) {
    expect(await rowOf(order)).toMatchObject({
      payState: "paid",
      protocol: "v2",
      signType: "HMAC-SHA256",
    });
  }
  expect(await refund(after, paid)).toMatchObject({ code: 0 });
  const { number, notifyUrl } = await refundOf(paid);
  expect(notifyUrl).toContain("/notify/v2/");
  before.wechat.refund(number).status = "SUCCESS";
  const news = { out_trade_no: paid.number, out_refund_no: number, refund_status: "SUCCESS" };
  expect(await notifyRefund(before.shop, news)).toBe(true);
  expect((await refundOf(paid)).state).toBe("succeeded");

  // A new one, all in APIv3; its news in APIv2's form pays nothing.
  const made = await makeOrder(after);
  expect(await rowOf(made)).toMatchObject({ protocol: "v3", signType: "RSA" });
  const news3 = after.wechat.pay(made.number);
  expect(await notifyPayment(before.shop, made.number, news3)).toBe(false);
  expect(await notifyPayment(after.shop, made.number, news3)).toBe(true);
  expect(await refund(after, made)).toMatchObject({ code: 0 });
  expect((await refundOf(made)).notifyUrl).toContain("/notify/v3/");
});

test("and back, the other way round", async () => {
  const before = await openWorld("RSA");
  const made = await makeOrder(before);
  await change(before.shop, { protocol: "v2" });
  const v2 = { ...before, shop: { ...before.shop, signType: before.shop.v2SignType } };
  const payment = before.wechat.pay(made.number);
  expect(await notifyPayment(before.shop, made.number, payment)).toBe(true);
  expect(await rowOf(await makeOrder(v2))).toMatchObject({
    protocol: "v2",
    signType: "HMAC-SHA256",
  });
});

test("a repeat under the app's own number is made in the order's own protocol", async () => {
  const before = await openWorld("HMAC-SHA256");
  const first = await makeOrder(before, { appOrderNo: "once" });
  const after = await toV3(before);
  const again = await ask(after.shop, "/pay/create-order", { ...ORDER, appOrderNo: "once" });
  expect(again).toMatchObject({ code: 0, data: { orderNumber: first.number } });
  expect(JSON.parse(String(again.data?.["apiParams"]))).toMatchObject({ signType: "HMAC-SHA256" });
});

test("an order whose protocol the merchant has no credentials for is refused, not crashed on", async () => {
  const world = await openWorld("RSA");
  const made = await makeOrder(world);
  await env.DB.prepare("update merchants set merchant_private_key_sealed = null where id = ?")
    .bind(world.shop.merchantId)
    .run();
  forgetSettings();
  const answer = await ask(world.shop, "/pay/create-order", ORDER);
  expect(answer.code).toBe(503);
  expect(answer.errmsg).toContain("NO_CREDENTIALS");
  await runNext(made, "poll-payment");
  expect((await rowOf(made)).payState).toBe("waiting");
  const other = await openShop("RSA");
  expect((await ask(other, "/pay/create-order", ORDER)).code).toBe(503);
});
