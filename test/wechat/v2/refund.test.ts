import { describe, expect, test } from "vitest";
import {
  order,
  ORDER_NUMBER,
  REFUND_ID,
  REFUND_NO,
  refundRequest,
  TRANSACTION_ID,
} from "../support/fixtures.ts";
import { answerFields, type Fields } from "../support/messages.ts";
import { body, signed, stubWechat } from "../support/wechat-stub.ts";

const accepted = (fields: Fields = {}) =>
  signed(
    answerFields({
      transaction_id: TRANSACTION_ID,
      out_trade_no: ORDER_NUMBER,
      out_refund_no: REFUND_NO,
      refund_id: REFUND_ID,
      refund_fee: "100",
      total_fee: "888",
      coupon_refund_fee_0: "5",
      ...fields,
    }),
  );

/** Two refunds, ours is the second, with coupon fields that resemble those of refunds. */
const found = (fields: Fields = {}) =>
  signed(
    answerFields({
      out_trade_no: ORDER_NUMBER,
      refund_count: "2",
      out_refund_no_0: "another",
      refund_id_0: "1",
      refund_fee_0: "1",
      refund_status_0: "REFUNDCLOSE",
      coupon_refund_id_0_1: "2",
      coupon_refund_fee_0: "3",
      coupon_refund_fee_0_1: "4",
      out_refund_no_1_0: REFUND_NO,
      refund_status_1_0: "CHANGE",
      out_refund_no_1: REFUND_NO,
      refund_id_1: REFUND_ID,
      refund_fee_1: "100",
      refund_status_1: "SUCCESS",
      refund_success_time_1: "2018-11-19 16:24:13",
      ...fields,
    }),
  );

const error = (code: string, text = "x") =>
  signed(answerFields({ result_code: "FAIL", err_code: code, err_code_des: text }));

describe("refund", () => {
  test("sends our order number and refund number, and no other identifier", async () => {
    const { wechat, sent } = stubWechat([accepted()]);
    expect(await wechat.refund(refundRequest)).toEqual({
      kind: "accepted",
      refundId: REFUND_ID,
      refundFen: 100,
    });
    expect(sent[0]?.url).toBe("https://wechat.test/secapi/pay/refund");
    const {
      appid: _a,
      mch_id: _m,
      nonce_str: _n,
      sign_type: _t,
      sign: _s,
      ...own
    } = Object.fromEntries(sent[0]?.fields ?? []);
    expect(own).toEqual({
      out_trade_no: ORDER_NUMBER,
      out_refund_no: REFUND_NO,
      total_fee: "888",
      refund_fee: "100",
      notify_url: refundRequest.notifyUrl,
    });
  });

  test("presents the merchant's certificate to both hosts", async () => {
    const { wechat, sent } = stubWechat(
      [
        async () => {
          throw new TypeError("connection refused");
        },
        accepted(),
      ],
      { merchant: { certBinding: "CERT_1" }, bindings: ["CERT_1"] },
    );
    expect((await wechat.refund(refundRequest)).kind).toBe("accepted");
    expect(sent.map(({ certificate }) => certificate)).toEqual(["CERT_1", "CERT_1"]);
  });

  test("presents no certificate in other calls", async () => {
    const { wechat, sent } = stubWechat([found()], {
      merchant: { certBinding: "CERT_1" },
      bindings: ["CERT_1"],
    });
    await wechat.queryRefund(order, REFUND_NO);
    expect(sent[0]?.certificate).toBeNull();
  });

  test("sends nothing and names the binding when the certificate is missing", async () => {
    const { wechat, sent } = stubWechat([accepted()], { merchant: { certBinding: "CERT_1" } });
    const answer = await wechat.refund(refundRequest);
    expect(answer).toMatchObject({ kind: "refused", code: "NO_CERTIFICATE", blame: "merchant" });
    expect(JSON.stringify(answer)).toContain("CERT_1");
    expect(sent).toHaveLength(0);
  });

  test.each([
    "SYSTEMERROR",
    "BIZERR_NEED_RETRY",
    "FREQUENCY_LIMITED",
    "INVALID_REQ_TOO_MUCH",
    "ORDER_NOT_READY",
  ])("returns unknown for %s, without a retry", async (code) => {
    const { wechat, sent } = stubWechat([error(code)]);
    expect(await wechat.refund(refundRequest)).toEqual({ kind: "unknown", reason: `${code}: x` });
    expect(sent).toHaveLength(1);
  });

  test.each([
    ["NOTENOUGH", "merchant"],
    ["TRADE_OVERDUE", "request"],
    ["REFUND_FEE_MISMATCH", "gateway"],
    ["BRAND_NEW", "gateway"],
  ])("returns refused for %s, attributed to the %s", async (code, blame) => {
    const { wechat } = stubWechat([error(code)]);
    expect(await wechat.refund(refundRequest)).toEqual({
      kind: "refused",
      code,
      message: "x",
      blame,
    });
  });

  test.each([
    ["of another number", { out_refund_no: "another" }],
    ["without a number", { out_refund_no: "" }],
    ["of another payment", { transaction_id: "4200000215201811190261405421" }],
    ["of another amount", { refund_fee: "101" }],
    ["without an amount", { refund_fee: "" }],
    ["with an amount in yuan", { refund_fee: "1.00" }],
    ["without a refund_id", { refund_id: "" }],
    ["with a refund_id that is too long", { refund_id: "5".repeat(33) }],
  ])("returns unknown for an answer %s", async (_name, fields) => {
    const { wechat } = stubWechat([accepted(fields)]);
    expect((await wechat.refund(refundRequest)).kind).toBe("unknown");
  });

  test.each([
    ["found", found(), { kind: "accepted", refundId: REFUND_ID, refundFen: 100 }],
    ["found with another amount", found({ refund_fee_1: "99" }), { kind: "unknown" }],
    [
      "absent",
      error("REFUNDNOTEXIST"),
      { kind: "refused", code: "ERROR", message: "订单已全额退款" },
    ],
    ["unknown", body("", 502), { kind: "unknown" }],
    ["refused", error("NOAUTH"), { kind: "unknown" }],
  ])("queries the refund after ERROR: %s", async (_name, queried, answer) => {
    const { wechat, sent } = stubWechat([error("ERROR", "订单已全额退款"), queried]);
    expect(await wechat.refund(refundRequest)).toMatchObject(answer);
    expect(sent).toHaveLength(2);
    expect(sent[1]?.fields.get("out_refund_no")).toBe(REFUND_NO);
  });
});

describe("queryRefund", () => {
  test("sends our refund number only", async () => {
    const { wechat, sent } = stubWechat([found()]);
    await wechat.queryRefund(order, REFUND_NO);
    expect(sent[0]?.url).toBe("https://wechat.test/pay/refundquery");
    expect([...(sent[0]?.fields.keys() ?? [])].toSorted()).toEqual(
      ["appid", "mch_id", "nonce_str", "out_refund_no", "sign", "sign_type"].toSorted(),
    );
  });

  test("finds our refund among several", async () => {
    const { wechat } = stubWechat([found()]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toEqual({
      kind: "found",
      refund: {
        refundNo: REFUND_NO,
        refundId: REFUND_ID,
        refundFen: 100,
        status: "succeeded",
        succeededAt: Date.UTC(2018, 10, 19, 8, 24, 13),
      },
    });
  });

  test.each([
    ["PROCESSING", "processing"],
    ["REFUNDCLOSE", "closed"],
    ["CHANGE", "abnormal"],
  ])("maps status %s to %s, without a time", async (wechatStatus, status) => {
    const { wechat } = stubWechat([found({ refund_status_1: wechatStatus })]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toMatchObject({
      kind: "found",
      refund: { status, succeededAt: null },
    });
  });

  test.each([
    ["an unlisted status", { refund_status_1: "FAIL" }],
    ["no status", { refund_status_1: "" }],
    ["no refund_id", { refund_id_1: "" }],
    ["no amount", { refund_fee_1: "" }],
    ["a broken amount", { refund_fee_1: "1.00" }],
    ["another refund only", { out_refund_no_1: "yet another" }],
    ["this refund twice", { out_refund_no_0: REFUND_NO }],
  ])("returns unknown for an answer with %s", async (_name, fields) => {
    const { wechat } = stubWechat([found(fields)]);
    expect((await wechat.queryRefund(order, REFUND_NO)).kind).toBe("unknown");
  });

  test("accepts a refund without a readable time", async () => {
    const { wechat } = stubWechat([found({ refund_success_time_1: "20181119162413" })]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toMatchObject({
      refund: { succeededAt: null },
    });
  });

  test("returns absent for REFUNDNOTEXIST", async () => {
    const { wechat } = stubWechat([error("REFUNDNOTEXIST")]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toEqual({ kind: "absent" });
  });
});
