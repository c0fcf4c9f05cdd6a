import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { keys } from "../wechat/v3/support/fixtures.ts";
import { notificationBody } from "../wechat/v3/support/messages.ts";
import { signedXml } from "../wechat/support/messages.ts";
import { watchD1 } from "../support/d1.ts";
import { transactionOf } from "../support/fake-v3.ts";
import { send } from "../support/gateway.ts";
import { makeOrder, rowOf } from "../support/life.ts";
import { limited } from "../support/limits.ts";
import { linesOf } from "../support/lines.ts";
import { watchMetrics } from "../support/metrics.ts";
import {
  isAcknowledged,
  paymentNotice,
  paymentRequest,
  payPath,
  refundNotice,
  refundPath,
  signedPost,
  xmlPost,
} from "../support/notices.ts";
import type { Shop } from "../support/shop.ts";
import { closeWorld, openWorld, type World } from "../support/world.ts";

const WRITES = /^\s*(insert|update|delete|replace)/i;

type Forgery = (world: World, turn: number) => Promise<readonly [path: string, init: RequestInit]>;

/** Good in all but the key that it is signed or encrypted with; each of an order of its own. */
const V2: Readonly<Record<string, Forgery>> = {
  "of payments, wrongly signed": async ({ shop, wechat }) => {
    const notice = paymentNotice(shop, randomHex32(), [...wechat.orders.values()][0]!);
    return [payPath(shop), xmlPost(await signedXml(notice, "MD5", "not the key of the merchant"))];
  },
  "of refunds, under another key": async ({ shop }) => {
    const news = {
      out_trade_no: randomHex32(),
      out_refund_no: randomHex32(),
      refund_status: "SUCCESS",
    };
    return [refundPath(shop), xmlPost(await refundNotice(shop, news, "not the key"))];
  },
  "of merchants that aren't there": async ({ shop }, turn) => [
    `/notify/v2/${900_000 + turn}/pay`,
    xmlPost(await signedXml({ mch_id: shop.mchId }, "MD5", shop.apiKey)),
  ],
  "that are no XML": async ({ shop }) => [payPath(shop), xmlPost("<xml>".repeat(500))],
};

const V3: Readonly<Record<string, Forgery>> = {
  "of payments, signed with another key": async (world) => [
    payPath(world.shop),
    signedPost(paidBody(world), { signer: { ...keys.publicKey, privateKey: strangerKey } }),
  ],
  "under keys that nobody has": async (world, turn) => [
    payPath(world.shop),
    signedPost(paidBody(world), {
      signer: { ...keys.publicKey, id: turn.toString(16).padStart(40, "0").toUpperCase() },
    }),
  ],
  "without a signature": async (world) => [
    refundPath(world.shop),
    { method: "POST", body: paidBody(world), headers: { "content-type": "application/json" } },
  ],
};

const strangerKey = keys.merchant.privateKey;

function paidBody({ shop, wechat }: World): string {
  const [order] = wechat.orders.values();
  const notice = paymentNotice(shop, randomHex32(), order!);
  return notificationBody("TRANSACTION.SUCCESS", transactionOf(notice));
}

/** Sixty forgeries at once, with a real notification in their midst. */
async function flood(world: World, forge: Forgery, bindings: Env) {
  const { shop, wechat } = world;
  const made = await makeOrder(world);
  const real = await paymentRequest(shop, made.number, wechat.pay(made.number));
  const objects = await listDurableObjectIds(env.ORDER_OBJECT);
  const { trips } = watchD1();
  const counted = watchMetrics();
  const forged = async (from: number) =>
    await Promise.all(
      Array.from({ length: 30 }, async (_, turn) => {
        const [path, init] = await forge(world, from + turn);
        return await isAcknowledged(await send(path, init, bindings));
      }),
    );
  const [before, served, after] = await Promise.all([
    forged(0),
    send(payPath(shop), real, bindings),
    forged(30),
  ]);
  return {
    made,
    served: await isAcknowledged(served),
    acknowledged: [...before, ...after].filter(Boolean).length,
    writes: trips.flat().filter((sql) => WRITES.test(sql)),
    reads: trips.flat().filter((sql) => !WRITES.test(sql)),
    newObjects: (await listDurableObjectIds(env.ORDER_OBJECT)).length - objects.length,
    unverified: counted.filter(({ kind }) => kind === "unverified").length,
  };
}

afterEach(closeWorld);

describe.each([
  ["v2", "HMAC-SHA256", V2],
  ["v3", "RSA", V3],
] as const satisfies readonly [string, Shop["signType"], object][])(
  "a flood of forged notifications (%s)",
  (_, signType, forgeries) => {
    test.each(Object.entries(forgeries))(
      "%s writes nothing, makes no object, and a real one is served in its midst",
      async (__, forge) => {
        const world = await openWorld(signType);
        const { bindings } = limited({ unverified: 10 });
        const came = await flood(world, forge, bindings);
        expect(came).toMatchObject({
          served: true,
          acknowledged: 0,
          unverified: 60,
          newObjects: 0,
        });
        expect((await rowOf(came.made)).payState).toBe("paid");
        // The real one's.
        expect(came.writes).toEqual([expect.stringMatching(/^update "orders" set "pay_state"/)]);
        // The settings, read once or looked for; never one a forgery.
        expect(came.reads.length).toBeLessThan(10);
        expect(linesOf(world.logged, { event: "notification_rejected" })).toHaveLength(10);
      },
    );
  },
);
