import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { keys } from "../wechat/v3/support/fixtures.ts";
import { notificationBody } from "../wechat/v3/support/messages.ts";
import { signedXml } from "../wechat/support/messages.ts";
import { instrumentD1 } from "../support/d1.ts";
import { transactionOf } from "../support/fake-wechat-v3.ts";
import { send } from "../support/gateway.ts";
import { makeOrder, rowOf } from "../support/scenario.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { recordDataPoints } from "../support/metrics.ts";
import {
  isAcknowledged,
  paymentNotificationFields,
  paymentNotificationRequest,
  payPath,
  refundNotificationXml,
  refundPath,
  signedPost,
  xmlPost,
} from "../support/notifications.ts";
import type { Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const WRITES = /^\s*(insert|update|delete|replace)/i;

type Forgery = (scene: Scene, index: number) => Promise<readonly [path: string, init: RequestInit]>;

/** Valid except for the key that signs or encrypts them; each names another order. */
const V2: Readonly<Record<string, Forgery>> = {
  "payments with an invalid signature": async ({ shop, wechat }) => {
    const fields = paymentNotificationFields(shop, randomHex32(), [...wechat.orders.values()][0]!);
    return [payPath(shop), xmlPost(await signedXml(fields, "MD5", "not the key of the merchant"))];
  },
  "refunds encrypted with another key": async ({ shop }) => {
    const fields = {
      out_trade_no: randomHex32(),
      out_refund_no: randomHex32(),
      refund_status: "SUCCESS",
    };
    return [refundPath(shop), xmlPost(await refundNotificationXml(shop, fields, "not the key"))];
  },
  "notifications to absent merchants": async ({ shop }, index) => [
    `/notify/v2/${900_000 + index}/pay`,
    xmlPost(await signedXml({ mch_id: shop.mchId }, "MD5", shop.apiKey)),
  ],
  "bodies that aren't XML": async ({ shop }) => [payPath(shop), xmlPost("<xml>".repeat(500))],
};

const V3: Readonly<Record<string, Forgery>> = {
  "payments signed with another key": async (scene) => [
    payPath(scene.shop),
    signedPost(paidBody(scene), { signer: { ...keys.publicKey, privateKey: foreignKey } }),
  ],
  "payments signed under unknown key ids": async (scene, index) => [
    payPath(scene.shop),
    signedPost(paidBody(scene), {
      signer: { ...keys.publicKey, id: index.toString(16).padStart(40, "0").toUpperCase() },
    }),
  ],
  "refunds without a signature": async (scene) => [
    refundPath(scene.shop),
    { method: "POST", body: paidBody(scene), headers: { "content-type": "application/json" } },
  ],
};

const foreignKey = keys.merchant.privateKey;

function paidBody({ shop, wechat }: Scene): string {
  const [order] = wechat.orders.values();
  const fields = paymentNotificationFields(shop, randomHex32(), order!);
  return notificationBody("TRANSACTION.SUCCESS", transactionOf(fields));
}

/** Posts 60 concurrent forgeries with a genuine notification among them. */
async function flood(scene: Scene, forge: Forgery, bindings: Env) {
  const { shop, wechat } = scene;
  const created = await makeOrder(scene);
  const genuine = await paymentNotificationRequest(
    shop,
    created.number,
    wechat.pay(created.number),
  );
  const objects = await listDurableObjectIds(env.ORDER_OBJECT);
  const { trips } = instrumentD1();
  const dataPoints = recordDataPoints();
  const postForged = async (from: number) =>
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const [path, init] = await forge(scene, from + index);
        return await isAcknowledged(await send(path, init, bindings));
      }),
    );
  const [before, genuineResponse, after] = await Promise.all([
    postForged(0),
    send(payPath(shop), genuine, bindings),
    postForged(30),
  ]);
  return {
    created,
    served: await isAcknowledged(genuineResponse),
    acknowledged: [...before, ...after].filter(Boolean).length,
    writes: trips.flat().filter((sql) => WRITES.test(sql)),
    reads: trips.flat().filter((sql) => !WRITES.test(sql)),
    newObjects: (await listDurableObjectIds(env.ORDER_OBJECT)).length - objects.length,
    unverified: dataPoints.filter(({ kind }) => kind === "unverified").length,
  };
}

afterEach(closeScene);

describe.each([
  ["v2", "HMAC-SHA256", V2],
  ["v3", "RSA", V3],
] as const satisfies readonly [string, Shop["signType"], object][])(
  "I10, I12: flood of forged notifications (%s)",
  (_, signType, forgeries) => {
    test.each(Object.entries(forgeries))(
      "%s: writes nothing, creates no object and still serves a genuine notification",
      async (__, forge) => {
        const scene = await openScene(signType);
        const { bindings } = bindingsWithLimits({ unverified: 10 });
        const result = await flood(scene, forge, bindings);
        expect(result).toMatchObject({
          served: true,
          acknowledged: 0,
          unverified: 60,
          newObjects: 0,
        });
        expect((await rowOf(result.created)).payState).toBe("paid");
        // The genuine notification's write.
        expect(result.writes).toEqual([expect.stringMatching(/^update "orders" set "pay_state"/)]);
        // Reads of settings, fewer than one per forgery.
        expect(result.reads.length).toBeLessThan(10);
        expect(logLinesWith(scene.logged, { event: "notification_rejected" })).toHaveLength(10);
      },
    );
  },
);
