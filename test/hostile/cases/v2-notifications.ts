import {
  paymentNotificationFields,
  refundNotificationXml,
  xmlPost,
} from "../../support/notifications.ts";
import type { Shop } from "../../support/shop.ts";
import { encryptReqInfo, signedXml, xmlOf, type Fields } from "../../wechat/support/messages.ts";
import type { Case, Theme } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { pathOf } from "../support/routes.ts";
import type { Scene } from "../support/scene.ts";

const PAY = "POST /notify/v2/:merchantId/pay";
const REFUND = "POST /notify/v2/:merchantId/refund";

/** The payment of the scene's waiting order, which nobody has paid. */
function noticeOf({ shop, orders, world }: Scene, changes: Fields = {}): Fields {
  const order = world.wechat.order(orders.waiting.number);
  const paid = { ...order, transactionId: "4200000000202011230000000001" };
  return paymentNotificationFields(shop, orders.waiting.number, paid, changes);
}

type Xml = (scene: Scene) => Promise<string>;

const signedBy = (shop: Shop, fields: Fields): Promise<string> =>
  signedXml(fields, shop.v2SignType, shop.apiKey);

/** Payments that aren't WeChat's word: nothing may come of them, not even an order's object. */
const UNSIGNED: Readonly<Record<string, Xml>> = {
  "without a sign": async (scene) => xmlOf(noticeOf(scene)),
  "with an empty sign": async (scene) => xmlOf({ ...noticeOf(scene), sign: "" }),
  "with somebody's sign": async (scene) => xmlOf({ ...noticeOf(scene), sign: GIVEN.sign }),
  "with a sign of zeroes": async (scene) => xmlOf({ ...noticeOf(scene), sign: "0".repeat(64) }),
  "signed with a guessed key": async (scene) =>
    await signedXml(noticeOf(scene), "HMAC-SHA256", "0".repeat(32)),
  "signed with another merchant's key": async (scene) =>
    await signedXml(noticeOf(scene), "HMAC-SHA256", scene.stranger.apiKey),
  "signed with the app's salt": async (scene) =>
    await signedXml(noticeOf(scene), "HMAC-SHA256", scene.shop.salt),
  "signed with the APIv3 key": async (scene) =>
    await signedXml(noticeOf(scene), "HMAC-SHA256", "a-key-of-thirty-two-bytes-for-v3"),
  "with the sign in small letters": async (scene) => {
    const xml = await signedBy(scene.shop, noticeOf(scene));
    return xml.replace(
      /(<sign><!\[CDATA\[)(\w+)/,
      (_, head: string, sign: string) => head + sign.toLowerCase(),
    );
  },
  "with the sign cut short": async (scene) =>
    (await signedBy(scene.shop, noticeOf(scene))).replace(/(<sign><!\[CDATA\[\w{20})\w+/, "$1"),
  "with another amount after signing": async (scene) =>
    (await signedBy(scene.shop, noticeOf(scene))).replace(/(<total_fee><!\[CDATA\[)\d+/, "$11"),
  "for another order after signing": async (scene) =>
    (await signedBy(scene.shop, noticeOf(scene))).replaceAll(
      scene.orders.waiting.number,
      scene.orders.closed.number,
    ),
  "for an order that nobody has, unsigned": async (scene) =>
    xmlOf(noticeOf(scene, { out_trade_no: "0".repeat(32), sign: GIVEN.sign })),
  "with a field added after signing": async (scene) =>
    (await signedBy(scene.shop, noticeOf(scene))).replace(
      "</xml>",
      "<coupon_fee>1</coupon_fee></xml>",
    ),
  "with the name of another way of signing": async (scene) =>
    xmlOf({ ...noticeOf(scene), sign_type: "NONE", sign: "NONE" }),
};

/** Rightly signed, but no word on this order. */
const CONTRADICTIONS: Readonly<Record<string, (scene: Scene) => Fields>> = {
  "that says it failed": (scene) => noticeOf(scene, { result_code: "FAIL" }),
  "that says it failed on the way": (scene) => noticeOf(scene, { return_code: "FAIL" }),
  "of another merchant": (scene) => noticeOf(scene, { mch_id: scene.stranger.mchId }),
  "without a merchant": (scene) => noticeOf(scene, { mch_id: "" }),
  "without an order": (scene) => noticeOf(scene, { out_trade_no: "" }),
  "without a transaction": (scene) => noticeOf(scene, { transaction_id: "" }),
  "with a transaction of a thousand digits": (scene) =>
    noticeOf(scene, { transaction_id: "4".repeat(1_000) }),
  "of no amount": (scene) => noticeOf(scene, { total_fee: "" }),
  "of zero": (scene) => noticeOf(scene, { total_fee: "0" }),
  "of less than zero": (scene) => noticeOf(scene, { total_fee: "-100" }),
  "of an amount in yuan": (scene) => noticeOf(scene, { total_fee: "1.00" }),
  "of an amount in hex": (scene) => noticeOf(scene, { total_fee: "0x64" }),
  "of an amount in another notation": (scene) => noticeOf(scene, { total_fee: "1e2" }),
  "of an amount with a blank": (scene) => noticeOf(scene, { total_fee: " 100" }),
  "of an amount beyond all": (scene) => noticeOf(scene, { total_fee: "9".repeat(30) }),
  "in dollars": (scene) => noticeOf(scene, { fee_type: "USD" }),
};

/** Rightly signed and whole, but not what the record says: refused, and a person is told. */
const DISPUTED: Readonly<Record<string, (scene: Scene) => Fields>> = {
  "of another amount": (scene) => noticeOf(scene, { total_fee: "1" }),
  "of another app": (scene) => noticeOf(scene, { appid: "wxfeedbeef00000001" }),
  "of an order that nobody has": (scene) => noticeOf(scene, { out_trade_no: "0".repeat(32) }),
  "of an order of another merchant": (scene) =>
    noticeOf(scene, { out_trade_no: scene.orders.ofStranger.number }),
};

const pay = (name: string, xml: Xml, more: Partial<Case> = {}): Case => ({
  name: `a payment ${name}`,
  route: PAY,
  answer: "v2 not accepted",
  request: async (scene) => ({ path: pathOf(PAY, scene), init: xmlPost(await xml(scene)) }),
  ...more,
});

/** A refund's news around any `req_info`. */
const around = (reqInfo: string, { shop }: Scene): string =>
  xmlOf({
    return_code: "SUCCESS",
    appid: shop.wechatAppId,
    mch_id: shop.mchId,
    nonce_str: "TeqClE3i0mvn3DrK",
    req_info: reqInfo,
  });

const encrypted = async (inner: string, scene: Scene): Promise<string> =>
  around(await encryptReqInfo(inner, scene.shop.apiKey), scene);

const newsOf = ({ orders, refundNo }: Scene, changes: Fields = {}): Fields => ({
  out_trade_no: orders.refunding.number,
  out_refund_no: refundNo,
  refund_status: "SUCCESS",
  ...changes,
});

/** News of refunds that can't be read, or not as what they claim. */
const REFUNDS: Readonly<Record<string, Xml>> = {
  "without news": async (scene) => around("", scene),
  "of no base64": async (scene) => around("!!!!", scene),
  "of base64 of the web": async (scene) => around("a-_b".repeat(8), scene),
  "of half a block": async (scene) => around("AAAA", scene),
  "of a block of zeroes": async (scene) => around(Buffer.alloc(16).toString("base64"), scene),
  "of a thousand blocks of zeroes": async (scene) =>
    around(Buffer.alloc(16_000).toString("base64"), scene),
  "encrypted with another merchant's key": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene), scene.stranger.apiKey),
  "with a block cut away": async (scene) => {
    const whole = Buffer.from(
      await encryptReqInfo("<root></root>".repeat(4), scene.shop.apiKey),
      "base64",
    );
    return around(whole.subarray(0, -16).toString("base64"), scene);
  },
  "of no XML": async (scene) => await encrypted("hello", scene),
  "of nothing": async (scene) => await encrypted("", scene),
  "of an empty root": async (scene) => await encrypted("<root></root>", scene),
  "of another root": async (scene) => await encrypted("<xml><a>1</a></xml>", scene),
  "of an external entity": async (scene) =>
    await encrypted(
      '<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]><root><out_trade_no>&x;</out_trade_no></root>',
      scene,
    ),
  "of a prototype": async (scene) =>
    await encrypted("<root><__proto__>1</__proto__></root>", scene),
  "of NUL": async (scene) => await encrypted("<root><a>\u0000</a></root>", scene),
  "of an order without a number": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { out_trade_no: "" })),
  "of a refund without a number": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { out_refund_no: "" })),
  "to another merchant": async (scene) =>
    await refundNotificationXml({ ...scene.shop, mchId: scene.stranger.mchId }, newsOf(scene)),
};

/** Notifications with odd fields that aren't needed: a reason to query, and nothing is believed. */
const ODD_REFUNDS: Readonly<Record<string, Xml>> = {
  "of a refund without WeChat's number": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { refund_id: "" })),
  "of an unknown outcome": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { refund_status: "MAYBE" })),
  "of an amount in another notation": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { refund_fee: "1e2" })),
  "of less than nothing": async (scene) =>
    await refundNotificationXml(scene.shop, newsOf(scene, { total_fee: "-1" })),
  "without an app": async (scene) =>
    await refundNotificationXml({ ...scene.shop, wechatAppId: "" }, newsOf(scene)),
};

export const v2Notifications: Theme = [
  ...Object.entries(UNSIGNED).map(([name, xml]) => pay(name, xml)),
  ...Object.entries(CONTRADICTIONS).map(([name, fields]) =>
    pay(name, async (scene) => await signedBy(scene.shop, fields(scene))),
  ),
  ...Object.entries(DISPUTED).map(([name, fields]) =>
    pay(name, async (scene) => await signedBy(scene.shop, fields(scene)), { may: "rows" }),
  ),
  pay(
    "of this merchant's order at a merchant's path that speaks APIv3 too",
    async (scene) => await signedBy(scene.shop, noticeOf(scene)),
    {
      request: async (scene) => ({
        path: pathOf(PAY, scene, String(scene.v3.merchantId)),
        init: xmlPost(await signedBy(scene.shop, noticeOf(scene))),
      }),
    },
  ),
  pay("at another merchant's path", async () => "", {
    request: async (scene) => ({
      path: pathOf(PAY, scene, String(scene.stranger.merchantId)),
      init: xmlPost(await signedBy(scene.shop, noticeOf(scene))),
    }),
  }),
  pay("that this merchant signed for another's path and number", async () => "", {
    request: async (scene) => ({
      path: pathOf(PAY, scene, String(scene.stranger.merchantId)),
      init: xmlPost(await signedBy(scene.shop, noticeOf(scene, { mch_id: scene.stranger.mchId }))),
    }),
  }),
  ...Object.entries(REFUNDS).map(([name, xml]): Case => ({
    name: `a refund's news ${name}`,
    route: REFUND,
    answer: "v2 not accepted",
    request: async (scene) => ({ path: pathOf(REFUND, scene), init: xmlPost(await xml(scene)) }),
  })),
  ...Object.entries(ODD_REFUNDS).map(([name, xml]): Case => ({
    name: `a refund's news ${name}`,
    route: REFUND,
    answer: "v2 not confirmed",
    may: "calls",
    request: async (scene) => ({ path: pathOf(REFUND, scene), init: xmlPost(await xml(scene)) }),
  })),
  {
    name: "a refund's news at another merchant's path",
    route: REFUND,
    answer: "v2 not accepted",
    request: async (scene) => ({
      path: pathOf(REFUND, scene, String(scene.stranger.merchantId)),
      init: xmlPost(await refundNotificationXml(scene.shop, newsOf(scene))),
    }),
  },
  {
    name: "a refund's news that says it succeeded, while WeChat says it doesn't know yet",
    route: REFUND,
    answer: "v2 not confirmed",
    may: "calls",
    request: async (scene) => ({
      path: pathOf(REFUND, scene),
      init: xmlPost(await refundNotificationXml(scene.shop, newsOf(scene))),
    }),
  },
];
