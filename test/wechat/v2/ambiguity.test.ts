import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WechatPay } from "../../../src/wechat/types.ts";
import { readPaymentNotification } from "../../../src/wechat/v2/notifications.ts";
import { sign } from "../../../src/wechat/v2/sign.ts";
import {
  API_KEY,
  APP_ID,
  merchant,
  order,
  ORDER_NUMBER,
  prepayRequest,
  REFUND_ID,
  REFUND_NO,
  refundRequest,
  TRANSACTION_ID,
} from "../support/fixtures.ts";
import {
  answerFields,
  paymentNotification,
  signedXml,
  xmlOf,
  type Fields,
} from "../support/messages.ts";
import { cutWhere, piecesOf } from "../support/recut.ts";
import { signed, stubWechat } from "../support/wechat-stub.ts";

const VICTIM = "f".repeat(32);

describe("readPaymentNotification, & in a value", () => {
  const names = Object.keys(paymentNotification({ device_info: "WEB", promotion_detail: "{}" }));

  test.each(names.filter((name) => !["attach", "return_code"].includes(name)))(
    "refuses it in %s and names the field",
    async (name) => {
      const fields = paymentNotification({ device_info: "WEB", promotion_detail: "{}" });
      const raw = await signedXml({ ...fields, [name]: `${fields[name]}&p=1` });
      expect(await readPaymentNotification(raw, merchant)).toEqual({
        ok: false,
        error: { kind: "malformed", detail: `${name} contains &`, rejection: "not accepted" },
      });
    },
  );

  test("accepts it in attach", async () => {
    const raw = await signedXml(paymentNotification({ attach: "a=1&b=2&out_trade_no=3" }));
    expect(await readPaymentNotification(raw, merchant)).toMatchObject({
      ok: true,
      value: { orderNumber: ORDER_NUMBER, attach: "a=1&b=2&out_trade_no=3" },
    });
  });

  test("refuses it after the signature only", async () => {
    const raw = await signedXml(paymentNotification({ openid: "a&b" }), "MD5", "0".repeat(32));
    expect(await readPaymentNotification(raw, merchant)).toMatchObject({
      error: { kind: "wrong-signature" },
    });
  });
});

describe("readPaymentNotification, signed text split at random", () => {
  /** Fields that a genuine notification may lack. */
  const OPTIONAL = [
    "openid",
    "is_subscribe",
    "trade_type",
    "bank_type",
    "cash_fee",
    "coupon_fee",
    "coupon_count",
    "fee_type",
    "time_end",
  ];
  /** What an attacker may insert, sorted by name. */
  const WANTED: Fields = {
    a: "1",
    appid: "wx0000000000000000",
    attach: "another",
    b: "1",
    fee_type: "USD",
    mch_id: merchant.mchId,
    out_trade_no: VICTIM,
    p: "1",
    result_code: "SUCCESS",
    return_code: "SUCCESS",
    sign_type: "MD5",
    time_end: "20140903131541",
    total_fee: "1",
    transaction_id: "4200000000000000000000000000",
    z: "1",
  };
  const notification = fc.record({
    without: fc.subarray(OPTIONAL),
    // Others than attach too, although an app can't choose them.
    where: fc.constantFrom("attach", "attach", "attach", "device_info", "openid", "bank_type"),
    wanted: fc.subarray(Object.keys(WANTED)),
    head: fc.constantFrom("x", "支付测试", "a=b", "", "&"),
    tail: fc.constantFrom("", "&", "&p=", "&zz="),
    signType: fc.constantFrom("MD5", "HMAC-SHA256"),
  });
  /** `sorted`: only splits that keep the signature valid, since fields are signed sorted by name. */
  const cut = fc.record({
    sorted: fc.boolean(),
    begins: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 60, maxLength: 60 }),
  });

  test("accepts the original meaning only", async () => {
    let attacks = 0;
    await fc.assert(
      fc.asyncProperty(notification, cut, async (drawn, { sorted, begins }) => {
        const { without, where, wanted, head, tail, signType } = drawn;
        const chosen = wanted.map((name) => `&${name}=${WANTED[name]}`).join("");
        const genuine = Object.fromEntries(
          Object.entries({
            ...paymentNotification(),
            [where]: head + chosen + tail,
          }).filter(([name]) => name === where || !without.includes(name)),
        );
        let before = "";
        const split = cutWhere(piecesOf(genuine), (name, index) => {
          if (begins[index] === 0 || (sorted && name <= before)) return false;
          before = name;
          return true;
        });
        const signature = await sign(new Map(Object.entries(genuine)), API_KEY, signType);
        const read = await readPaymentNotification(xmlOf({ ...split, sign: signature }), merchant);
        if (sorted && split["out_trade_no"] === VICTIM) attacks += 1;
        if (!read.ok) return;
        expect(read.value).toMatchObject({
          orderNumber: ORDER_NUMBER,
          wechatAppId: APP_ID,
          transactionId: TRANSACTION_ID,
          totalFen: 888,
          signType,
        });
        expect(split["mch_id"]).toBe(merchant.mchId);
        // Anything else that moved did so through attach, which is compared with the stored order's.
        if (read.value.attach === (genuine["attach"] ?? "")) {
          expect(Object.keys(split).filter((name) => !(name in genuine))).toEqual([]);
        }
      }),
      { numRuns: 3000 },
    );
    // The random splits included valid signatures of another order's payment.
    expect(attacks).toBeGreaterThan(30);
  });
});

interface Call {
  readonly name: string;
  readonly ask: (wechat: WechatPay) => Promise<{ readonly kind: string }>;
  readonly good: Fields;
  readonly kind: string;
  /** Unread fields that contain `&`. */
  readonly freeText: Fields;
}

const CALLS: readonly Call[] = [
  {
    name: "unifiedorder",
    ask: async (wechat) => await wechat.prepay(prepayRequest),
    good: answerFields({ sign_type: "HMAC-SHA256", prepay_id: "wx2016" }),
    kind: "prepared",
    freeText: { return_msg: "a&b", device_info: "a&b", code_url: "weixin://?a=1&b=2" },
  },
  {
    name: "orderquery",
    ask: async (wechat) => await wechat.queryPayment(order),
    good: answerFields({
      out_trade_no: ORDER_NUMBER,
      transaction_id: TRANSACTION_ID,
      total_fee: "888",
      fee_type: "CNY",
      trade_state: "SUCCESS",
      time_end: "20140903131540",
    }),
    kind: "paid",
    freeText: { attach: "a&b", trade_state_desc: "a&b", promotion_detail: "{a&b}", bank_type: "&" },
  },
  {
    name: "closeorder",
    ask: async (wechat) => await wechat.close(order),
    good: answerFields(),
    kind: "closed",
    freeText: { result_msg: "a&b", return_msg: "a&b" },
  },
  {
    name: "refund",
    ask: async (wechat) => await wechat.refund(refundRequest),
    good: answerFields({
      transaction_id: TRANSACTION_ID,
      out_trade_no: ORDER_NUMBER,
      out_refund_no: REFUND_NO,
      refund_id: REFUND_ID,
      refund_fee: "100",
      total_fee: "888",
    }),
    kind: "accepted",
    freeText: { refund_channel: "a&b" },
  },
  {
    name: "refundquery",
    ask: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
    good: answerFields({
      out_trade_no: ORDER_NUMBER,
      transaction_id: TRANSACTION_ID,
      out_refund_no_0: REFUND_NO,
      refund_id_0: REFUND_ID,
      refund_fee_0: "100",
      refund_status_0: "SUCCESS",
      refund_success_time_0: "2018-11-19 16:24:13",
    }),
    kind: "found",
    freeText: { refund_recv_accout_0: "招商银行&信用卡0403", refund_account_0: "a&b" },
  },
];

/** Unread fields of every answer. */
const UNREAD: ReadonlySet<string> = new Set(["return_msg", "nonce_str"]);

describe.each(CALLS)("the answer of $name", ({ ask, good, kind, freeText }) => {
  const askWith = async (fields: Fields) => {
    const answer = signed(fields);
    return await ask(stubWechat([answer, answer, answer]).wechat);
  };

  test("is usable with & in free text that nobody reads", async () => {
    expect((await askWith({ ...good, ...freeText })).kind).toBe(kind);
  });

  test.each(Object.keys(good).filter((name) => !UNREAD.has(name)))(
    "is unknown with & in %s",
    async (name) => {
      expect((await askWith({ ...good, [name]: `${good[name]}&p=1` })).kind).toBe("unknown");
    },
  );

  test("is a refusal with & in err_code_des, and unknown with & in err_code", async () => {
    const refusal = { ...answerFields(), result_code: "FAIL", err_code: "NOAUTH" };
    expect(await askWith({ ...refusal, err_code_des: "a&b=c" })).toMatchObject({
      kind: "refused",
      message: "a&b=c",
    });
    expect((await askWith({ ...refusal, err_code: "NOAUTH&p=1" })).kind).toBe("unknown");
  });
});
