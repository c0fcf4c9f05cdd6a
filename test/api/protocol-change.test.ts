import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { updateMerchant } from "../../src/db/merchants.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { keys, publicKey } from "../wechat/v3/support/fixtures.ts";
import { API_V3_KEY } from "../wechat/v3/support/fixtures.ts";
import {
  makeOrder,
  ORDER,
  requestRefund,
  refundOf,
  rowOf,
  runNextTimer,
} from "../support/scenario.ts";
import { postSigned } from "../support/gateway.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { openShop, type Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

async function changeMerchant(
  shop: Shop,
  changes: Parameters<typeof updateMerchant>[3],
): Promise<void> {
  const masterKey = await importMasterKey(env.MASTER_KEY);
  await updateMerchant(connect(env.DB), masterKey, shop.merchantId, changes, Date.now());
  forgetSettings();
}

/** Switches the merchant to APIv3 for new orders. */
async function switchToV3(scene: Scene): Promise<Scene> {
  await changeMerchant(scene.shop, {
    protocol: "v3",
    apiV3Key: API_V3_KEY,
    merchantSerialNo: keys.merchant.serialNo,
    merchantPrivateKey: keys.merchant.privateKey,
    verifyKeys: [publicKey],
  });
  return { ...scene, shop: { ...scene.shop, signType: "RSA" } };
}

test("merchant protocol: a change to APIv3 leaves existing orders with APIv2", async () => {
  const before = await openScene("HMAC-SHA256");
  const [waiting, paid] = [await makeOrder(before), await makeOrder(before)];
  const after = await switchToV3(before);

  // The old orders: a late notification, queries, a refund and its notification.
  const payment = before.wechat.pay(paid.number);
  expect(await notifyPayment(before.shop, paid.number, payment)).toBe(true);
  before.wechat.pay(waiting.number);
  await runNextTimer(waiting, "poll-payment");
  for (const order of [waiting, paid]) {
    expect(await rowOf(order)).toMatchObject({
      payState: "paid",
      protocol: "v2",
      signType: "HMAC-SHA256",
    });
  }
  expect(await requestRefund(after, paid)).toMatchObject({ code: 0 });
  const { number, notifyUrl } = await refundOf(paid);
  expect(notifyUrl).toContain("/notify/v2/");
  before.wechat.refund(number).status = "SUCCESS";
  const notification = {
    out_trade_no: paid.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  };
  expect(await notifyRefund(before.shop, notification)).toBe(true);
  expect((await refundOf(paid)).state).toBe("succeeded");

  // A new order uses APIv3 only; an APIv2 notification can't pay it.
  const created = await makeOrder(after);
  expect(await rowOf(created)).toMatchObject({ protocol: "v3", signType: "RSA" });
  const payment3 = after.wechat.pay(created.number);
  expect(await notifyPayment(before.shop, created.number, payment3)).toBe(false);
  expect(await notifyPayment(after.shop, created.number, payment3)).toBe(true);
  expect(await requestRefund(after, created)).toMatchObject({ code: 0 });
  expect((await refundOf(created)).notifyUrl).toContain("/notify/v3/");
});

test("merchant protocol: a change to APIv2 leaves existing orders with APIv3", async () => {
  const before = await openScene("RSA");
  const created = await makeOrder(before);
  await changeMerchant(before.shop, { protocol: "v2" });
  const v2 = { ...before, shop: { ...before.shop, signType: before.shop.v2SignType } };
  const payment = before.wechat.pay(created.number);
  expect(await notifyPayment(before.shop, created.number, payment)).toBe(true);
  expect(await rowOf(await makeOrder(v2))).toMatchObject({
    protocol: "v2",
    signType: "HMAC-SHA256",
  });
});

test("create-order repeats an appOrderNo in the order's own protocol", async () => {
  const before = await openScene("HMAC-SHA256");
  const first = await makeOrder(before, { appOrderNo: "once" });
  const after = await switchToV3(before);
  const again = await postSigned(after.shop, "/pay/create-order", { ...ORDER, appOrderNo: "once" });
  expect(again).toMatchObject({ code: 0, data: { orderNumber: first.number } });
  expect(JSON.parse(String(again.data?.["apiParams"]))).toMatchObject({ signType: "HMAC-SHA256" });
});

test("create-order answers 503 when the merchant lacks its protocol's credentials", async () => {
  const scene = await openScene("RSA");
  const created = await makeOrder(scene);
  await env.DB.prepare("update merchants set merchant_private_key_sealed = null where id = ?")
    .bind(scene.shop.merchantId)
    .run();
  forgetSettings();
  const answer = await postSigned(scene.shop, "/pay/create-order", ORDER);
  expect(answer.code).toBe(503);
  expect(answer.errmsg).toContain("NO_CREDENTIALS");
  await runNextTimer(created, "poll-payment");
  expect((await rowOf(created)).payState).toBe("waiting");
  const other = await openShop("RSA");
  expect((await postSigned(other, "/pay/create-order", ORDER)).code).toBe(503);
});
