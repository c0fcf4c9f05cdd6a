import {
  paymentNotificationFields,
  refundNotificationXml,
  xmlPost,
} from "../../support/notifications.ts";
import type { Shop } from "../../support/shop.ts";
import { encryptReqInfo, signedXml, xmlOf, type Fields } from "../../wechat/support/messages.ts";
import type { Case, Cases } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { pathOf } from "../support/routes.ts";
import type { Target } from "../support/target.ts";

const PAY = "POST /notify/v2/:merchantId/pay";
const REFUND = "POST /notify/v2/:merchantId/refund";

/** A payment of the target's waiting order, which is unpaid. */
function paymentFields({ shop, orders, scene }: Target, changes: Fields = {}): Fields {
  const order = scene.wechat.order(orders.waiting.number);
  const paid = { ...order, transactionId: "4200000000202011230000000001" };
  return paymentNotificationFields(shop, orders.waiting.number, paid, changes);
}

type XmlOf = (target: Target) => Promise<string>;

const signedBy = (shop: Shop, fields: Fields): Promise<string> =>
  signedXml(fields, shop.v2SignType, shop.apiKey);

/** Payments with an invalid sign: they reach no order's object. */
const INVALID_SIGNS: Readonly<Record<string, XmlOf>> = {
  "without a sign": async (target) => xmlOf(paymentFields(target)),
  "with an empty sign": async (target) => xmlOf({ ...paymentFields(target), sign: "" }),
  "with the sign of another text": async (target) =>
    xmlOf({ ...paymentFields(target), sign: CANARIES.sign }),
  "with a sign of zeroes": async (target) =>
    xmlOf({ ...paymentFields(target), sign: "0".repeat(64) }),
  "signed with a guessed key": async (target) =>
    await signedXml(paymentFields(target), "HMAC-SHA256", "0".repeat(32)),
  "signed with another merchant's key": async (target) =>
    await signedXml(paymentFields(target), "HMAC-SHA256", target.unrelated.apiKey),
  "signed with the app's salt": async (target) =>
    await signedXml(paymentFields(target), "HMAC-SHA256", target.shop.salt),
  "signed with the APIv3 key": async (target) =>
    await signedXml(paymentFields(target), "HMAC-SHA256", "a-key-of-thirty-two-bytes-for-v3"),
  "with the sign in lower case": async (target) => {
    const xml = await signedBy(target.shop, paymentFields(target));
    return xml.replace(
      /(<sign><!\[CDATA\[)(\w+)/,
      (_, head: string, sign: string) => head + sign.toLowerCase(),
    );
  },
  "with the sign truncated": async (target) =>
    (await signedBy(target.shop, paymentFields(target))).replace(
      /(<sign><!\[CDATA\[\w{20})\w+/,
      "$1",
    ),
  "with another amount after signing": async (target) =>
    (await signedBy(target.shop, paymentFields(target))).replace(
      /(<total_fee><!\[CDATA\[)\d+/,
      "$11",
    ),
  "for another order after signing": async (target) =>
    (await signedBy(target.shop, paymentFields(target))).replaceAll(
      target.orders.waiting.number,
      target.orders.closed.number,
    ),
  "for an unknown order, with an invalid sign": async (target) =>
    xmlOf(paymentFields(target, { out_trade_no: "0".repeat(32), sign: CANARIES.sign })),
  "with a field added after signing": async (target) =>
    (await signedBy(target.shop, paymentFields(target))).replace(
      "</xml>",
      "<coupon_fee>1</coupon_fee></xml>",
    ),
  "with the sign type NONE": async (target) =>
    xmlOf({ ...paymentFields(target), sign_type: "NONE", sign: "NONE" }),
};

/** Validly signed payments without the facts that are needed. */
const UNUSABLE: Readonly<Record<string, (target: Target) => Fields>> = {
  "with result_code FAIL": (target) => paymentFields(target, { result_code: "FAIL" }),
  "with return_code FAIL": (target) => paymentFields(target, { return_code: "FAIL" }),
  "of another merchant": (target) => paymentFields(target, { mch_id: target.unrelated.mchId }),
  "without a merchant": (target) => paymentFields(target, { mch_id: "" }),
  "without an order": (target) => paymentFields(target, { out_trade_no: "" }),
  "of an order number in upper case": (target) =>
    paymentFields(target, { out_trade_no: "F".repeat(32) }),
  "of an order number of a thousand digits": (target) =>
    paymentFields(target, { out_trade_no: "0".repeat(1_000) }),
  "without a transaction": (target) => paymentFields(target, { transaction_id: "" }),
  "with a transaction of a thousand digits": (target) =>
    paymentFields(target, { transaction_id: "4".repeat(1_000) }),
  "without an amount": (target) => paymentFields(target, { total_fee: "" }),
  "of zero fen": (target) => paymentFields(target, { total_fee: "0" }),
  "of a negative amount": (target) => paymentFields(target, { total_fee: "-100" }),
  "of an amount in yuan": (target) => paymentFields(target, { total_fee: "1.00" }),
  "of an amount in hex": (target) => paymentFields(target, { total_fee: "0x64" }),
  "of an amount in exponent notation": (target) => paymentFields(target, { total_fee: "1e2" }),
  "of an amount with a space": (target) => paymentFields(target, { total_fee: " 100" }),
  "of an amount of thirty digits": (target) => paymentFields(target, { total_fee: "9".repeat(30) }),
  "in dollars": (target) => paymentFields(target, { fee_type: "USD" }),
};

/** Validly signed and complete payments that contradict D1: refused, and an incident is opened. */
const CONTRADICTIONS: Readonly<Record<string, (target: Target) => Fields>> = {
  "of another amount": (target) => paymentFields(target, { total_fee: "1" }),
  "of another app": (target) => paymentFields(target, { appid: "wxfeedbeef00000001" }),
  "of an unknown order": (target) => paymentFields(target, { out_trade_no: "0".repeat(32) }),
  "of an order of another merchant": (target) =>
    paymentFields(target, { out_trade_no: target.orders.ofUnrelated.number }),
};

const pay = (name: string, xml: XmlOf, overrides: Partial<Case> = {}): Case => ({
  name: `a payment ${name}`,
  route: PAY,
  answer: "v2 not accepted",
  request: async (target) => ({ path: pathOf(PAY, target), init: xmlPost(await xml(target)) }),
  ...overrides,
});

/** A refund notification with this `req_info`. */
const withReqInfo = (reqInfo: string, { shop }: Target): string =>
  xmlOf({
    return_code: "SUCCESS",
    appid: shop.wechatAppId,
    mch_id: shop.mchId,
    nonce_str: "TeqClE3i0mvn3DrK",
    req_info: reqInfo,
  });

const encrypted = async (inner: string, target: Target): Promise<string> =>
  withReqInfo(await encryptReqInfo(inner, target.shop.apiKey), target);

const refundFields = ({ orders, refundNo }: Target, changes: Fields = {}): Fields => ({
  out_trade_no: orders.refunding.number,
  out_refund_no: refundNo,
  refund_status: "SUCCESS",
  ...changes,
});

/** Refund notifications that can't be decrypted, parsed or attributed. */
const UNREADABLE_REFUNDS: Readonly<Record<string, XmlOf>> = {
  "with an empty req_info": async (target) => withReqInfo("", target),
  "with a req_info that isn't base64": async (target) => withReqInfo("!!!!", target),
  "with a req_info in base64url": async (target) => withReqInfo("a-_b".repeat(8), target),
  "with a req_info of three bytes": async (target) => withReqInfo("AAAA", target),
  "with a req_info of one block of zeroes": async (target) =>
    withReqInfo(Buffer.alloc(16).toString("base64"), target),
  "with a req_info of a thousand blocks of zeroes": async (target) =>
    withReqInfo(Buffer.alloc(16_000).toString("base64"), target),
  "encrypted with another merchant's key": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target), target.unrelated.apiKey),
  "with the last block removed": async (target) => {
    const whole = Buffer.from(
      await encryptReqInfo("<root></root>".repeat(4), target.shop.apiKey),
      "base64",
    );
    return withReqInfo(whole.subarray(0, -16).toString("base64"), target);
  },
  "around plain text": async (target) => await encrypted("hello", target),
  "around an empty text": async (target) => await encrypted("", target),
  "around an empty root": async (target) => await encrypted("<root></root>", target),
  "around another root": async (target) => await encrypted("<xml><a>1</a></xml>", target),
  "around an external entity": async (target) =>
    await encrypted(
      '<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]><root><out_trade_no>&x;</out_trade_no></root>',
      target,
    ),
  "around __proto__": async (target) =>
    await encrypted("<root><__proto__>1</__proto__></root>", target),
  "around NUL": async (target) => await encrypted("<root><a>\u0000</a></root>", target),
  "without out_trade_no": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { out_trade_no: "" })),
  "without out_refund_no": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { out_refund_no: "" })),
  "with an order number in upper case": async (target) =>
    await refundNotificationXml(
      target.shop,
      refundFields(target, { out_trade_no: target.orders.refunding.number.toUpperCase() }),
    ),
  "with an order number of a thousand digits": async (target) =>
    await refundNotificationXml(
      target.shop,
      refundFields(target, { out_trade_no: "0".repeat(1_000) }),
    ),
  "with a refund number of 65 characters": async (target) =>
    await refundNotificationXml(
      target.shop,
      refundFields(target, { out_refund_no: "0".repeat(65) }),
    ),
  "with a refund number of thirty thousand characters": async (target) =>
    await refundNotificationXml(
      target.shop,
      refundFields(target, { out_refund_no: "0".repeat(30_000) }),
    ),
  "with a refund number that is a path": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { out_refund_no: "../x?y#z" })),
  "with a refund number that ends in a line feed": async (target) =>
    await refundNotificationXml(
      target.shop,
      refundFields(target, { out_refund_no: `${target.refundNo}\n` }),
    ),
  "with another mch_id": async (target) =>
    await refundNotificationXml(
      { ...target.shop, mchId: target.unrelated.mchId },
      refundFields(target),
    ),
};

/** Refund notifications with unusual fields that aren't needed: they cause a query of WeChat. */
const ODD_REFUNDS: Readonly<Record<string, XmlOf>> = {
  "without refund_id": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { refund_id: "" })),
  "with an unknown status": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { refund_status: "MAYBE" })),
  "of an amount in exponent notation": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { refund_fee: "1e2" })),
  "of a negative amount": async (target) =>
    await refundNotificationXml(target.shop, refundFields(target, { total_fee: "-1" })),
  "without an appid": async (target) =>
    await refundNotificationXml({ ...target.shop, wechatAppId: "" }, refundFields(target)),
};

export const v2Notifications: Cases = [
  ...Object.entries(INVALID_SIGNS).map(([name, xml]) => pay(name, xml)),
  ...Object.entries(UNUSABLE).map(([name, fields]) =>
    pay(name, async (target) => await signedBy(target.shop, fields(target))),
  ),
  ...Object.entries(CONTRADICTIONS).map(([name, fields]) =>
    pay(name, async (target) => await signedBy(target.shop, fields(target)), { allows: "rows" }),
  ),
  pay(
    "of this merchant's order at the path of an APIv3 merchant",
    async (target) => await signedBy(target.shop, paymentFields(target)),
    {
      request: async (target) => ({
        path: pathOf(PAY, target, String(target.v3.merchantId)),
        init: xmlPost(await signedBy(target.shop, paymentFields(target))),
      }),
    },
  ),
  pay("at another merchant's path", async () => "", {
    request: async (target) => ({
      path: pathOf(PAY, target, String(target.unrelated.merchantId)),
      init: xmlPost(await signedBy(target.shop, paymentFields(target))),
    }),
  }),
  pay(
    "at another merchant's path and with its mch_id, signed with this merchant's key",
    async () => "",
    {
      request: async (target) => ({
        path: pathOf(PAY, target, String(target.unrelated.merchantId)),
        init: xmlPost(
          await signedBy(target.shop, paymentFields(target, { mch_id: target.unrelated.mchId })),
        ),
      }),
    },
  ),
  ...Object.entries(UNREADABLE_REFUNDS).map(([name, xml]): Case => ({
    name: `a refund ${name}`,
    route: REFUND,
    answer: "v2 not accepted",
    request: async (target) => ({ path: pathOf(REFUND, target), init: xmlPost(await xml(target)) }),
  })),
  ...Object.entries(ODD_REFUNDS).map(([name, xml]): Case => ({
    name: `a refund ${name}`,
    route: REFUND,
    answer: "v2 not confirmed",
    allows: "calls",
    request: async (target) => ({ path: pathOf(REFUND, target), init: xmlPost(await xml(target)) }),
  })),
  {
    name: "a refund at another merchant's path",
    route: REFUND,
    answer: "v2 not accepted",
    request: async (target) => ({
      path: pathOf(REFUND, target, String(target.unrelated.merchantId)),
      init: xmlPost(await refundNotificationXml(target.shop, refundFields(target))),
    }),
  },
  {
    name: "a refund that is still processing at WeChat",
    route: REFUND,
    answer: "v2 not confirmed",
    allows: "calls",
    request: async (target) => ({
      path: pathOf(REFUND, target),
      init: xmlPost(await refundNotificationXml(target.shop, refundFields(target))),
    }),
  },
];
