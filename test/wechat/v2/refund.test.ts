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

  test("sends the reason and the account that pays, if any", async () => {
    const { wechat, sent } = stubWechat([accepted()]);
    await wechat.refund({ ...refundRequest, reason: "商品缺货", fundsAccount: "available" });
    expect(Object.fromEntries(sent[0]?.fields ?? [])).toMatchObject({
      refund_desc: "商品缺货",
      refund_account: "REFUND_SOURCE_RECHARGE_FUNDS",
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
    ["NOTENOUGH", "merchant", "balance"],
    ["INVALID_REQUEST", "request", "amount"],
    ["ERROR", "request", "amount"],
    ["TRADE_OVERDUE", "request", "other"],
    ["REFUND_FEE_MISMATCH", "gateway", "other"],
    ["BRAND_NEW", "gateway", "other"],
  ])("returns refused for %s, attributed to the %s, for its %s", async (code, blame, cause) => {
    const { wechat } = stubWechat([error(code)]);
    expect(await wechat.refund(refundRequest)).toEqual({
      kind: "refused",
      code,
      message: "x",
      blame,
      cause,
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

  test("recognises a refusal about the amount by its text, whatever the code", async () => {
    const { wechat } = stubWechat([error("BRAND_NEW", "refund_fee大于可退金额")]);
    expect(await wechat.refund(refundRequest)).toMatchObject({ kind: "refused", cause: "amount" });
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

/** A page of refundquery: refunds number `from` to `to`, of 1 fen each. */
const page = (from: number, to: number, fields: Fields = {}) => {
  const entries = Array.from({ length: to - from + 1 }, (_, index) => [
    [`out_refund_no_${index}`, `R-${from + index}`],
    [`refund_id_${index}`, `50${from + index}`],
    [`refund_fee_${index}`, "1"],
    [`refund_status_${index}`, "SUCCESS"],
    [`refund_recv_accout_${index}`, "支付用户零钱&"],
  ]);
  return signed(
    answerFields({
      out_trade_no: ORDER_NUMBER,
      refund_count: String(to - from + 1),
      ...Object.fromEntries(entries.flat()),
      ...fields,
    }),
  );
};
const list = async ({ wechat }: ReturnType<typeof stubWechat>) => await wechat.listRefunds?.(order);

describe("listRefunds", () => {
  test("reads all pages, by our order number", async () => {
    const count = { total_refund_count: "23" };
    const stub = stubWechat([page(0, 9, count), page(10, 19, count), page(20, 22, count)]);
    const answer = await list(stub);
    expect(answer).toMatchObject({ kind: "listed" });
    const refunds = answer?.kind === "listed" ? answer.refunds : [];
    expect(refunds.map(({ refundNo }) => refundNo)).toEqual(
      Array.from({ length: 23 }, (_, index) => `R-${index}`),
    );
    expect(stub.sent.map(({ fields }) => fields.get("out_trade_no"))).toEqual(
      stub.sent.map(() => ORDER_NUMBER),
    );
    expect(stub.sent.map(({ fields }) => fields.get("offset"))).toEqual([undefined, "10", "20"]);
    expect(stub.sent[0]?.fields.has("out_refund_no")).toBe(false);
  });

  test("reads a single page without a total", async () => {
    expect(await list(stubWechat([page(0, 1)]))).toMatchObject({
      kind: "listed",
      refunds: [
        { refundNo: "R-0", refundId: "500", refundFen: 1, status: "succeeded" },
        { refundNo: "R-1" },
      ],
    });
  });

  test("lists none for REFUNDNOTEXIST", async () => {
    expect(await list(stubWechat([error("REFUNDNOTEXIST")]))).toEqual({
      kind: "listed",
      refunds: [],
    });
  });

  const more = { total_refund_count: "12" };
  test.each([
    ["an unreadable refund", [page(0, 1, { refund_fee_1: "1.00" })]],
    ["a number that WeChat doesn't allow", [page(0, 1, { out_refund_no_1: "R 1" })]],
    ["another order", [page(0, 1, { out_trade_no: "f".repeat(32) })]],
    ["no order", [page(0, 1, { out_trade_no: "" })]],
    ["no refunds", [signed(answerFields({ out_trade_no: ORDER_NUMBER }))]],
    ["a total that isn't a number", [page(0, 1, { total_refund_count: "many" })]],
    ["the first page again", [page(0, 9, more), page(0, 9, more)]],
    ["no second page", [page(0, 9, more), error("REFUNDNOTEXIST")]],
    ["a second page that fails", [page(0, 9, more), body("", 502)]],
    ["a refusal of a page", [page(0, 9, more), error("SYSTEMERROR")]],
  ])("returns unknown for %s", async (_name, answers) => {
    expect(await list(stubWechat(answers))).toMatchObject({ kind: "unknown" });
  });

  test("stops after five pages", async () => {
    const count = { total_refund_count: "60" };
    const pages = [0, 10, 20, 30, 40].map((from) => page(from, from + 9, count));
    const stub = stubWechat(pages);
    expect(await list(stub)).toMatchObject({ kind: "unknown" });
    expect(stub.sent).toHaveLength(5);
  });
});
