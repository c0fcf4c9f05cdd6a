import { describe, expect, test } from "vitest";
import { verifySign } from "../../../src/wechat/v2/sign.ts";
import {
  API_KEY,
  APP_ID,
  merchant,
  order,
  ORDER_NUMBER,
  prepayRequest,
} from "../support/fixtures.ts";
import { answerFields, paymentNotification, signedXml } from "../support/messages.ts";
import { body, signed, stubWechat } from "../support/wechat-stub.ts";

const prepared = answerFields({ trade_type: "JSAPI", prepay_id: "wx2016" });
const error = (code: string, text = "") =>
  answerFields({ result_code: "FAIL", err_code: code, err_code_des: text });

const query = (state: string) => signed(paymentNotification({ trade_state: state }));

describe("prepay", () => {
  test("sends exactly the fields of unifiedorder, signed for the order", async () => {
    const { wechat, sent } = stubWechat([signed(prepared)]);
    expect(await wechat.prepay(prepayRequest)).toEqual({ kind: "prepared", prepayId: "wx2016" });
    const fields = sent[0]?.fields ?? new Map();
    expect(sent[0]?.url).toBe("https://wechat.test/pay/unifiedorder");
    expect(sent[0]?.init.method).toBe("POST");
    expect(Object.fromEntries(fields)).toEqual({
      appid: APP_ID,
      mch_id: merchant.mchId,
      nonce_str: expect.stringMatching(/^[0-9a-f]{32}$/),
      sign_type: "HMAC-SHA256",
      body: prepayRequest.desc,
      out_trade_no: ORDER_NUMBER,
      total_fee: "888",
      spbill_create_ip: "14.23.150.211",
      notify_url: prepayRequest.notifyUrl,
      trade_type: "JSAPI",
      openid: prepayRequest.openId,
      goods_tag: "WXG",
      attach: prepayRequest.attach,
      sign: expect.stringMatching(/^[0-9A-F]{64}$/),
    });
    expect(await verifySign(fields, API_KEY)).toBe("HMAC-SHA256");
  });

  test("omits an absent attach, and sends sign_type for MD5 too", async () => {
    const { wechat, sent } = stubWechat([body(await signedXml(prepared, "MD5"))]);
    const answer = await wechat.prepay({ ...prepayRequest, signType: "MD5", attach: null });
    const fields = sent[0]?.fields ?? new Map();
    expect(answer.kind).toBe("prepared");
    expect(fields.has("attach")).toBe(false);
    expect(fields.get("sign_type")).toBe("MD5");
    expect(await verifySign(fields, API_KEY)).toBe("MD5");
  });

  test("uses the order's algorithm, not the merchant's current one", async () => {
    const { wechat, sent } = stubWechat([signed(prepared)], { merchant: { signType: "MD5" } });
    expect((await wechat.prepay(prepayRequest)).kind).toBe("prepared");
    expect(sent[0]?.fields.get("sign_type")).toBe("HMAC-SHA256");
  });

  test.each(["😀", "\u0000", "\r"])("refuses to send a text with %j", async (character) => {
    const { wechat, sent } = stubWechat([]);
    const answer = await wechat.prepay({ ...prepayRequest, desc: `a${character}` });
    expect(answer).toMatchObject({ kind: "refused", code: "UNSENDABLE", blame: "request" });
    expect(sent).toHaveLength(0);
  });

  test("retries once with the same parameters after an unknown outcome", async () => {
    const { wechat, sent } = stubWechat([signed(error("SYSTEMERROR")), signed(prepared)]);
    expect((await wechat.prepay(prepayRequest)).kind).toBe("prepared");
    const [first, second] = sent.map(({ fields }) =>
      [...fields].filter(([name]) => name !== "nonce_str" && name !== "sign"),
    );
    expect(second).toEqual(first);
  });

  test("returns paid when the retry finds the order paid", async () => {
    const { wechat } = stubWechat([body("", 502), signed(error("ORDERPAID"))]);
    expect(await wechat.prepay(prepayRequest)).toEqual({ kind: "paid" });
  });

  test("doesn't retry when WeChat limits the frequency", async () => {
    const { wechat, sent } = stubWechat([signed(error("FREQUENCY_LIMITED")), signed(prepared)]);
    expect((await wechat.prepay(prepayRequest)).kind).toBe("unknown");
    expect(sent).toHaveLength(1);
  });

  test.each([
    ["ORDERPAID", { kind: "paid" }],
    ["ORDERCLOSED", { kind: "closed" }],
    ["PARAM_ERROR", { kind: "refused", code: "PARAM_ERROR", message: "x", blame: "request" }],
    ["NOTENOUGH", { kind: "refused", code: "NOTENOUGH", message: "x", blame: "request" }],
    ["LACK_PARAMS", { kind: "refused", code: "LACK_PARAMS", message: "x", blame: "gateway" }],
    ["BRAND_NEW", { kind: "refused", code: "BRAND_NEW", message: "x", blame: "gateway" }],
  ])("calls once and classifies %s", async (code, answer) => {
    const { wechat, sent } = stubWechat([signed(error(code, "x"))]);
    expect(await wechat.prepay(prepayRequest)).toEqual(answer);
    expect(sent).toHaveLength(1);
  });

  test.each([
    ["missing", answerFields({ trade_type: "JSAPI" })],
    ["empty", answerFields({ prepay_id: "" })],
    ["too long", answerFields({ prepay_id: "w".repeat(65) })],
  ])("returns unknown for a prepay_id that is %s", async (_name, fields) => {
    const { wechat } = stubWechat([signed(fields), signed(fields)]);
    expect((await wechat.prepay(prepayRequest)).kind).toBe("unknown");
  });
});

describe("prepay, number already in use", () => {
  const taken = error("OUT_TRADE_NO_USED", "商户订单号重复");

  test.each([
    ["paid", query("SUCCESS"), { kind: "paid" }],
    ["closed", query("CLOSED"), { kind: "closed" }],
    ["waiting", query("NOTPAY"), { kind: "refused", code: "OUT_TRADE_NO_USED", blame: "gateway" }],
    ["absent", signed(error("ORDERNOTEXIST")), { kind: "refused", blame: "gateway" }],
    ["unknown", body("", 502), { kind: "unknown" }],
    ["a query refused", signed(error("NOAUTH")), { kind: "unknown" }],
  ])("queries the order: %s", async (_name, queried, answer) => {
    const { wechat, sent } = stubWechat([signed(taken), queried]);
    expect(await wechat.prepay(prepayRequest)).toMatchObject(answer);
    expect(sent.map(({ url }) => new URL(url).pathname)).toEqual([
      "/pay/unifiedorder",
      "/pay/orderquery",
    ]);
    expect(sent[1]?.fields.get("out_trade_no")).toBe(order.orderNumber);
  });

  test.each([
    ["INVALID_REQUEST", signed(error("INVALID_REQUEST", "201 商户订单号重复"))],
    [
      "FAIL",
      body("<xml><return_code>FAIL</return_code><return_msg>201 商户订单号重复</return_msg></xml>"),
    ],
  ])("recognises the case by its text with code %s", async (_code, answer) => {
    const { wechat } = stubWechat([answer, query("SUCCESS")]);
    expect(await wechat.prepay(prepayRequest)).toEqual({ kind: "paid" });
  });
});
