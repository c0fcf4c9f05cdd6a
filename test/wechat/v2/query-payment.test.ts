import { describe, expect, test } from "vitest";
import { APP_ID, order, ORDER_NUMBER, TRANSACTION_ID } from "../support/fixtures.ts";
import { answerFields, paymentNotification } from "../support/messages.ts";
import { signed, stubWechat } from "../support/wechat-stub.ts";

const found = (state: string, fields = {}) =>
  signed(paymentNotification({ trade_state: state, ...fields }));
const error = (code: string) => signed(answerFields({ result_code: "FAIL", err_code: code }));

describe("queryPayment", () => {
  test("sends our number only", async () => {
    const { wechat, sent } = stubWechat([found("NOTPAY")]);
    await wechat.queryPayment(order);
    expect(sent[0]?.url).toBe("https://wechat.test/pay/orderquery");
    expect([...(sent[0]?.fields.keys() ?? [])]).toEqual([
      "appid",
      "mch_id",
      "nonce_str",
      "sign_type",
      "out_trade_no",
      "sign",
    ]);
  });

  test.each(["SUCCESS", "REFUND"])("returns the payment in state %s", async (state) => {
    const { wechat } = stubWechat([found(state)]);
    expect(await wechat.queryPayment(order)).toEqual({
      kind: "paid",
      payment: {
        orderNumber: ORDER_NUMBER,
        wechatAppId: APP_ID,
        transactionId: TRANSACTION_ID,
        totalFen: 888,
        attach: "支付测试",
        paidAt: Date.UTC(2014, 8, 3, 5, 15, 40),
        signType: "HMAC-SHA256",
      },
    });
  });

  test.each([
    ["NOTPAY", "waiting"],
    ["USERPAYING", "waiting"],
    ["ACCEPT", "waiting"],
    ["CLOSED", "closed"],
    ["REVOKED", "closed"],
    ["PAYERROR", "closed"],
    ["", "unknown"],
    ["success", "unknown"],
    ["NEW_STATE", "unknown"],
  ])("maps state %j to %s", async (state, kind) => {
    const { wechat } = stubWechat([found(state)]);
    expect((await wechat.queryPayment(order)).kind).toBe(kind);
  });

  test.each(["NOTPAY", "CLOSED"])(
    "doesn't require a payment's fields in state %s",
    async (state) => {
      const { wechat } = stubWechat([signed(answerFields({ trade_state: state }))]);
      expect((await wechat.queryPayment(order)).kind).toMatch(/waiting|closed/);
    },
  );

  test.each([
    ["transaction_id", ""],
    ["transaction_id", "4".repeat(33)],
    ["out_trade_no", ""],
    ["total_fee", ""],
    ["total_fee", "0"],
    ["total_fee", "-1"],
    ["total_fee", "8.88"],
    ["total_fee", "0888"],
    ["total_fee", " 888"],
    ["total_fee", "8e2"],
    ["total_fee", "0x378"],
    ["total_fee", "８８８"],
    ["total_fee", "9".repeat(16)],
    ["fee_type", "USD"],
  ])("returns unknown for a payment with %s %j", async (name, value) => {
    const { wechat } = stubWechat([found("SUCCESS", { [name]: value })]);
    expect((await wechat.queryPayment(order)).kind).toBe("unknown");
  });

  test("accepts a payment without a currency or a readable time", async () => {
    const { wechat } = stubWechat([found("SUCCESS", { fee_type: "", time_end: "20141303131540" })]);
    expect(await wechat.queryPayment(order)).toMatchObject({
      kind: "paid",
      payment: { paidAt: null },
    });
  });

  test("returns absent for ORDERNOTEXIST", async () => {
    const { wechat } = stubWechat([error("ORDERNOTEXIST")]);
    expect(await wechat.queryPayment(order)).toEqual({ kind: "absent" });
  });
});

describe("close", () => {
  test("sends our number only", async () => {
    const { wechat, sent } = stubWechat([signed(answerFields())]);
    expect(await wechat.close(order)).toEqual({ kind: "closed" });
    expect(sent[0]?.url).toBe("https://wechat.test/pay/closeorder");
    expect(sent[0]?.fields.get("out_trade_no")).toBe(ORDER_NUMBER);
  });

  test.each([
    ["ORDERPAID", "paid"],
    ["ORDERCLOSED", "closed"],
    ["ORDERNOTEXIST", "absent"],
    ["TRADE_STATE_ERROR", "unknown"],
    ["SYSTEMERROR", "unknown"],
    ["BRAND_NEW", "refused"],
  ])("maps %s to %s", async (code, kind) => {
    const { wechat, sent } = stubWechat([error(code)]);
    expect((await wechat.close(order)).kind).toBe(kind);
    expect(sent).toHaveLength(1);
  });
});
