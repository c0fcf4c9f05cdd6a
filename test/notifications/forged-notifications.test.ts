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

type Forgery = (scene: Scene, turn: number) => Promise<readonly [path: string, init: RequestInit]>;

/** Good in all but the key that it is signed or encrypted with; each of an order of its own. */
const V2: Readonly<Record<string, Forgery>> = {
  "of payments, wrongly signed": async ({ shop, wechat }) => {
    const notice = paymentNotificationFields(shop, randomHex32(), [...wechat.orders.values()][0]!);
    return [payPath(shop), xmlPost(await signedXml(notice, "MD5", "not the key of the merchant"))];
  },
  "of refunds, under another key": async ({ shop }) => {
    const news = {
      out_trade_no: randomHex32(),
      out_refund_no: randomHex32(),
      refund_status: "SUCCESS",
    };
    return [refundPath(shop), xmlPost(await refundNotificationXml(shop, news, "not the key"))];
  },
  "of merchants that aren't there": async ({ shop }, turn) => [
    `/notify/v2/${900_000 + turn}/pay`,
    xmlPost(await signedXml({ mch_id: shop.mchId }, "MD5", shop.apiKey)),
  ],
  "that are no XML": async ({ shop }) => [payPath(shop), xmlPost("<xml>".repeat(500))],
};

const V3: Readonly<Record<string, Forgery>> = {
  "of payments, signed with another key": async (scene) => [
    payPath(scene.shop),
    signedPost(paidBody(scene), { signer: { ...keys.publicKey, privateKey: strangerKey } }),
  ],
  "under keys that nobody has": async (scene, turn) => [
    payPath(scene.shop),
    signedPost(paidBody(scene), {
      signer: { ...keys.publicKey, id: turn.toString(16).padStart(40, "0").toUpperCase() },
    }),
  ],
  "without a signature": async (scene) => [
    refundPath(scene.shop),
    { method: "POST", body: paidBody(scene), headers: { "content-type": "application/json" } },
  ],
};

const strangerKey = keys.merchant.privateKey;

function paidBody({ shop, wechat }: Scene): string {
  const [order] = wechat.orders.values();
  const notice = paymentNotificationFields(shop, randomHex32(), order!);
  return notificationBody("TRANSACTION.SUCCESS", transactionOf(notice));
}

/** Sixty forgeries at once, with a real notification in their midst. */
async function flood(scene: Scene, forge: Forgery, bindings: Env) {
  const { shop, wechat } = scene;
  const created = await makeOrder(scene);
  const real = await paymentNotificationRequest(shop, created.number, wechat.pay(created.number));
  const objects = await listDurableObjectIds(env.ORDER_OBJECT);
  const { trips } = instrumentD1();
  const counted = recordDataPoints();
  const forged = async (from: number) =>
    await Promise.all(
      Array.from({ length: 30 }, async (_, turn) => {
        const [path, init] = await forge(scene, from + turn);
        return await isAcknowledged(await send(path, init, bindings));
      }),
    );
  const [before, served, after] = await Promise.all([
    forged(0),
    send(payPath(shop), real, bindings),
    forged(30),
  ]);
  return {
    created,
    served: await isAcknowledged(served),
    acknowledged: [...before, ...after].filter(Boolean).length,
    writes: trips.flat().filter((sql) => WRITES.test(sql)),
    reads: trips.flat().filter((sql) => !WRITES.test(sql)),
    newObjects: (await listDurableObjectIds(env.ORDER_OBJECT)).length - objects.length,
    unverified: counted.filter(({ kind }) => kind === "unverified").length,
  };
}

afterEach(closeScene);

describe.each([
  ["v2", "HMAC-SHA256", V2],
  ["v3", "RSA", V3],
] as const satisfies readonly [string, Shop["signType"], object][])(
  "a flood of forged notifications (%s)",
  (_, signType, forgeries) => {
    test.each(Object.entries(forgeries))(
      "%s writes nothing, makes no object, and a real one is served in its midst",
      async (__, forge) => {
        const scene = await openScene(signType);
        const { bindings } = bindingsWithLimits({ unverified: 10 });
        const came = await flood(scene, forge, bindings);
        expect(came).toMatchObject({
          served: true,
          acknowledged: 0,
          unverified: 60,
          newObjects: 0,
        });
        expect((await rowOf(came.created)).payState).toBe("paid");
        // The real one's.
        expect(came.writes).toEqual([expect.stringMatching(/^update "orders" set "pay_state"/)]);
        // The settings, read once or looked for; never one a forgery.
        expect(came.reads.length).toBeLessThan(10);
        expect(logLinesWith(scene.logged, { event: "notification_rejected" })).toHaveLength(10);
      },
    );
  },
);
