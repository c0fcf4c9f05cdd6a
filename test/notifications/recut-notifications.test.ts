import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { sign } from "../../src/wechat/v2/sign.ts";
import { signedXml, xmlOf, type Fields } from "../wechat/support/messages.ts";
import { cutInto } from "../wechat/support/recut.ts";
import { makeOrder, rowOf, timerOf, type OrderRef } from "../support/scenario.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { paymentNotificationFields, payPath, postNotification } from "../support/notifications.ts";
import type { Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

/**
 * The victim's order and a paid order of the attacker, of the same amount. The attacker knows the
 * victim's attach, so a comparison of attach alone doesn't stop the attack.
 */
async function makeBoth(scene: Scene, attachFor: (victim: OrderRef) => string = () => "x") {
  const victim = await makeOrder(scene, { attach: "x" });
  const own = await makeOrder(scene, { attach: attachFor(victim) });
  const paid = scene.wechat.pay(own.number);
  const genuine = paymentNotificationFields(scene.shop, own.number, paid);
  return { victim, own, genuine, transactionId: paid.transactionId };
}

/** The notification split into fields with these names, with the original sign. */
async function recut({ shop }: Scene, genuine: Fields, names: readonly string[]) {
  const forged = cutInto(genuine, names);
  const [signature, ofForged] = await Promise.all([signOf(shop, genuine), signOf(shop, forged)]);
  // The attack is real: the signature of the forged message is valid.
  expect(ofForged).toBe(signature);
  return { forged, xml: xmlOf({ ...forged, sign: signature }) };
}

async function signOf({ apiKey, v2SignType }: Shop, fields: Fields): Promise<string> {
  return await sign(new Map(Object.entries(fields)), apiKey, v2SignType);
}

/** Asserts that `xml` isn't acknowledged and changes no order. */
async function expectNothing({ shop }: Scene, xml: string): Promise<void> {
  const before = await allOrders();
  expect(await postNotification(payPath(shop), xml)).toBe(false);
  expect(await allOrders()).toEqual(before);
}

async function allOrders(): Promise<unknown> {
  return (await env.DB.prepare("select * from orders order by id").all()).results;
}

/** Genuine fields before the forged ones. */
const MONEY = ["bank_type", "cash_fee"] as const;
const PAYER = [...MONEY, "fee_type", "is_subscribe", "mch_id"] as const;
/** Genuine fields after the forged ones. */
const REST = [
  "result_code",
  "return_code",
  "time_end",
  "total_fee",
  "trade_type",
  "transaction_id",
] as const;

describe.each(["MD5", "HMAC-SHA256"] as const)(
  "payment notification in %s, split differently",
  (signType) => {
    test("doesn't pay another order; the genuine one pays its own", async () => {
      const scene = await openScene(signType);
      const { shop } = scene;
      const { victim, own, genuine, transactionId } = await makeBoth(
        scene,
        ({ number }) => `x&mch_id=${shop.mchId}&out_trade_no=${number}&p=`,
      );
      const names = ["attach", "mch_id", "out_trade_no", "p", ...REST];
      const { forged, xml } = await recut(scene, genuine, names);
      // All fields that are read describe a payment of the victim's order.
      expect(forged).toMatchObject({
        appid: shop.wechatAppId,
        attach: "x",
        mch_id: shop.mchId,
        out_trade_no: victim.number,
        result_code: "SUCCESS",
        return_code: "SUCCESS",
        total_fee: "100",
        transaction_id: transactionId,
      });
      await expectNothing(scene, xml);
      expect(await timerOf(victim, "deliver-payment")).toBeUndefined();
      expect(logLinesWith(scene.logged, { event: "notification_rejected" })).toMatchObject([
        { kind: "malformed", detail: "p contains &" },
      ]);
      expect(
        await postNotification(payPath(shop), await signedXml(genuine, signType, shop.apiKey)),
      ).toBe(true);
      expect(await rowOf(own)).toMatchObject({ payState: "paid", transactionId });
      expect((await rowOf(victim)).payState).toBe("waiting");
    });

    test.for([
      ["bank_type", "mch_id=M&out_trade_no=V&q=", ["bank_type", "mch_id", "out_trade_no", "q"]],
      [
        "device_info",
        "mch_id=M&out_trade_no=V&p=",
        [...MONEY, "device_info", "mch_id", "out_trade_no", "p"],
      ],
      ["nonce_str", "out_trade_no=V&p=", [...PAYER, "nonce_str", "out_trade_no", "p"]],
      ["openid", "out_trade_no=V&p=", [...PAYER, "nonce_str", "openid", "out_trade_no", "p"]],
      // The nonce hides the genuine fields up to out_trade_no.
      ["attach", "mch_id=M&nonce_str=", ["mch_id", "nonce_str", "out_trade_no"]],
      // Not split differently: refused for the & alone.
      ["openid", "p=1", [...PAYER, "nonce_str", "openid", "out_trade_no"]],
    ] as const)("changes nothing with %s containing %s", async ([field, text, begun]) => {
      const scene = await openScene(signType);
      const { victim, genuine } = await makeBoth(scene);
      const inserted = text.replace("M", scene.shop.mchId).replace("V", victim.number);
      const edited = { ...genuine, [field]: `x&${inserted}` };
      const { forged, xml } = await recut(scene, edited, ["attach", ...begun, ...REST]);
      if (text.includes("V")) expect(forged["out_trade_no"]).toBe(victim.number);
      await expectNothing(scene, xml);
    });

    test("opens an incident when attach swallows other fields", async () => {
      const scene = await openScene(signType);
      const { own, genuine } = await makeBoth(scene);
      const names = ["attach", "mch_id", "nonce_str", "openid", "out_trade_no", ...REST];
      const { forged, xml } = await recut(scene, genuine, names);
      expect(forged["attach"]).toContain("x&bank_type=");
      await expectNothing(scene, xml);
      expect(logLinesWith(scene.logged, { event: "payment_contradiction" })).toMatchObject([
        { order: own.number, what: "attach" },
      ]);
    });
  },
);
