import { verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { USER_AGENT } from "../../../src/lib/user-agent.ts";
import { ORDER_NUMBER, REFUND_ID, REFUND_NO, TRANSACTION_ID } from "../support/fixtures.ts";
import {
  certificateA,
  keys,
  MCH_ID,
  order,
  prepayRequest,
  publicKey,
  refundRequest,
} from "./support/fixtures.ts";
import { refundReport, transaction } from "./support/messages.ts";
import { noContent, refusal, signed, stubV3, type SentRequest } from "./support/stub.ts";

const ORDER_PATH = `/v3/pay/transactions/out-trade-no/${ORDER_NUMBER}`;

/** The `Authorization` header's fields, after verifying the signature of the request. */
function authorizationOf(request: SentRequest | undefined): Record<string, string> {
  if (request === undefined) throw new Error("nothing was sent");
  const header = request.headers.get("authorization") ?? "";
  const [, list = ""] = /^WECHATPAY2-SHA256-RSA2048 (.*)$/.exec(header) ?? [];
  const fields = Object.fromEntries(
    [...list.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  const { pathname, search } = new URL(request.url);
  const text = `${request.method}\n${pathname}${search}\n${fields["timestamp"]}\n${fields["nonce_str"]}\n${request.body}\n`;
  const signature = Buffer.from(fields["signature"] ?? "", "base64");
  expect(verify("sha256", Buffer.from(text), keys.merchant.publicKey, signature)).toBe(true);
  return fields;
}

describe("APIv3 requests", () => {
  test("are signed with the merchant's certificate and the current time", async () => {
    const { wechat, sent } = stubV3([signed({ prepay_id: "wx1" }), signed(transaction())]);
    await wechat.prepay(prepayRequest);
    await wechat.queryPayment(order);
    const [post, get] = sent.map(authorizationOf);
    expect(post).toMatchObject({ mchid: MCH_ID, serial_no: keys.merchant.serialNo });
    expect(Math.abs(Number(post?.["timestamp"]) - Date.now() / 1000)).toBeLessThan(5);
    expect(post?.["nonce_str"]).toMatch(/^[0-9a-f]{32}$/);
    expect(get?.["nonce_str"]).not.toBe(post?.["nonce_str"]);
  });

  test("include the base URL's path in the signature", async () => {
    const baseUrl = "http://127.0.0.1:8788/some/where";
    const { wechat, sent } = stubV3([signed(transaction())], { baseUrl });
    await wechat.queryPayment(order);
    expect(sent[0]?.url).toBe(`${baseUrl}${ORDER_PATH}?mchid=${MCH_ID}`);
    authorizationOf(sent[0]);
  });

  test("have the headers that WeChat requires", async () => {
    const { wechat, sent } = stubV3([signed({ prepay_id: "wx1" }), signed(transaction())]);
    await wechat.prepay(prepayRequest);
    await wechat.queryPayment(order);
    for (const { headers } of sent) {
      expect(headers.get("accept")).toBe("application/json");
      expect(headers.get("accept-language")).toBe("zh-CN");
      expect(headers.get("user-agent")).toBe(USER_AGENT);
      expect(headers.get("wechatpay-serial")).toBe(publicKey.id);
    }
    expect(sent.map(({ headers }) => headers.get("content-type"))).toEqual([
      "application/json",
      null,
    ]);
  });

  test("request the newest public key's signature, and none with certificates only", async () => {
    const older = { ...publicKey, id: "PUB_KEY_ID_0" };
    const both = stubV3([signed(transaction())], {
      v3: { verifyKeys: [certificateA, publicKey, older] },
    });
    await both.wechat.queryPayment(order);
    expect(both.sent[0]?.headers.get("wechatpay-serial")).toBe(publicKey.id);
    const certificates = stubV3([signed(transaction(), { signer: keys.certificateA })], {
      v3: { verifyKeys: [certificateA] },
    });
    expect((await certificates.wechat.queryPayment(order)).kind).toBe("paid");
    expect(certificates.sent[0]?.headers.has("wechatpay-serial")).toBe(false);
  });
});

describe("prepay", () => {
  test("sends exactly the documented fields", async () => {
    const { wechat, sent } = stubV3([signed({ prepay_id: "wx2016" })]);
    expect(await wechat.prepay(prepayRequest)).toEqual({ kind: "prepared", prepayId: "wx2016" });
    expect([sent[0]?.method, sent[0]?.url]).toEqual([
      "POST",
      "https://wechat.test/v3/pay/transactions/jsapi",
    ]);
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({
      appid: order.wechatAppId,
      mchid: MCH_ID,
      description: prepayRequest.desc,
      out_trade_no: ORDER_NUMBER,
      attach: prepayRequest.attach,
      notify_url: prepayRequest.notifyUrl,
      goods_tag: prepayRequest.tag,
      amount: { total: 888, currency: "CNY" },
      payer: { openid: prepayRequest.openId },
      scene_info: { payer_client_ip: prepayRequest.clientIp },
    });
  });

  test.each([
    ["attach", { attach: null }],
    ["attach", { attach: "" }],
    ["goods_tag", { tag: "" }],
  ])("omits an empty %s (case %#)", async (name, change) => {
    const { wechat, sent } = stubV3([signed({ prepay_id: "wx2016" })]);
    await wechat.prepay({ ...prepayRequest, ...change });
    expect(JSON.parse(sent[0]?.body ?? "")).not.toHaveProperty(name);
  });

  test("retries once with the same body after an unknown outcome", async () => {
    const { wechat, sent } = stubV3([refusal(500, "SYSTEM_ERROR"), signed({ prepay_id: "wx2" })]);
    expect(await wechat.prepay(prepayRequest)).toEqual({ kind: "prepared", prepayId: "wx2" });
    expect(sent[1]?.body).toBe(sent[0]?.body);
  });

  test("doesn't retry when WeChat limits the frequency", async () => {
    const { wechat, sent } = stubV3([refusal(429, "FREQUENCY_LIMITED")]);
    expect((await wechat.prepay(prepayRequest)).kind).toBe("unknown");
    expect(sent).toHaveLength(1);
  });

  test.each([
    [400, "ORDER_PAID", "paid"],
    [400, "ORDER_CLOSED", "closed"],
    [500, "OPENID_MISMATCH", "refused"],
    [400, "PARAM_ERROR", "refused"],
  ])("maps %i %s to %s", async (status, code, kind) => {
    const { wechat, sent } = stubV3([refusal(status, code)]);
    expect((await wechat.prepay(prepayRequest)).kind).toBe(kind);
    expect(sent).toHaveLength(1);
  });

  const TAKEN: [number, string, string][] = [
    [403, "OUT_TRADE_NO_USED", "商户订单号重复"],
    [400, "INVALID_REQUEST", "201 商户订单号重复"],
    [400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"],
    [400, "INVALID_REQUEST", "该订单已支付"],
  ];

  test.each(TAKEN)(
    "queries the order when its number is in use: %i %s %s",
    async (status, code, message) => {
      const taken = refusal(status, code, message);
      const kindFor = async (answer: Parameters<typeof stubV3>[0][number]) =>
        (await stubV3([taken, answer]).wechat.prepay(prepayRequest)).kind;
      expect(await kindFor(signed(transaction()))).toBe("paid");
      expect(await kindFor(signed(transaction({ trade_state: "CLOSED" })))).toBe("closed");
      expect(await kindFor(signed(transaction({ trade_state: "NOTPAY" })))).toBe("refused");
      expect(await kindFor(refusal(404, "ORDER_NOT_EXIST"))).toBe("refused");
      expect(await kindFor(refusal(500, "SYSTEM_ERROR"))).toBe("unknown");
    },
  );
});

describe("queryTransaction", () => {
  test("sends WeChat's number and the merchant's, and returns the order's number", async () => {
    const { wechat, sent } = stubV3([signed(transaction())]);
    expect(await wechat.queryTransaction(TRANSACTION_ID, order.wechatAppId)).toEqual({
      kind: "found",
      orderNumber: ORDER_NUMBER,
    });
    expect(sent[0]?.url).toBe(
      `https://wechat.test/v3/pay/transactions/id/${TRANSACTION_ID}?mchid=${MCH_ID}`,
    );
  });

  test("returns absent for a transaction that the merchant doesn't have", async () => {
    const { wechat } = stubV3([refusal(404, "ORDER_NOT_EXIST")]);
    expect(await wechat.queryTransaction(TRANSACTION_ID, order.wechatAppId)).toEqual({
      kind: "absent",
    });
  });

  test.each<[string, object]>([
    ["another transaction", { transaction_id: "4200000000000000000000000000" }],
    ["another mchid", { mchid: "10000101" }],
    ["no mchid", { mchid: undefined }],
    ["no out_trade_no", { out_trade_no: undefined }],
    ["an empty out_trade_no", { out_trade_no: "" }],
  ])("returns unknown for an answer with %s", async (_name, change) => {
    const { wechat } = stubV3([signed(transaction(change))]);
    expect((await wechat.queryTransaction(TRANSACTION_ID, order.wechatAppId)).kind).toBe("unknown");
  });
});

describe("queryPayment", () => {
  test("sends our number and the merchant's", async () => {
    const { wechat, sent } = stubV3([signed(transaction())]);
    expect(await wechat.queryPayment(order)).toEqual({
      kind: "paid",
      payment: {
        orderNumber: ORDER_NUMBER,
        wechatAppId: order.wechatAppId,
        transactionId: TRANSACTION_ID,
        totalFen: 888,
        attach: "自定义数据",
        paidAt: Date.UTC(2018, 5, 8, 2, 34, 56),
        signType: "RSA",
      },
    });
    expect([sent[0]?.method, sent[0]?.url]).toEqual([
      "GET",
      `https://wechat.test${ORDER_PATH}?mchid=${MCH_ID}`,
    ]);
  });

  test.each([
    ["SUCCESS", "paid"],
    ["REFUND", "paid"],
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
    const { wechat } = stubV3([signed(transaction({ trade_state: state }))]);
    expect((await wechat.queryPayment(order)).kind).toBe(kind);
  });

  test("doesn't require a payment's fields for an unpaid order", async () => {
    const { wechat } = stubV3([signed({ trade_state: "NOTPAY", trade_state_desc: "订单未支付" })]);
    expect(await wechat.queryPayment(order)).toEqual({ kind: "waiting" });
  });

  const AMOUNT = { total: 888, currency: "CNY" };
  test.each<[string, object]>([
    ["no transaction_id", { transaction_id: undefined }],
    ["an empty transaction_id", { transaction_id: "" }],
    ["a long transaction_id", { transaction_id: "4".repeat(33) }],
    ["no out_trade_no", { out_trade_no: undefined }],
    ["no appid", { appid: undefined }],
    ["no mchid", { mchid: undefined }],
    ["another mchid", { mchid: "10000101" }],
    ["another appid", { appid: "wxd930ea5d5a258f4f" }],
    ["another out_trade_no", { out_trade_no: "f".repeat(32) }],
    ["no amount", { amount: undefined }],
    ["no amount.total", { amount: { payer_total: 888 } }],
    ["an amount as text", { amount: { ...AMOUNT, total: "888" } }],
    ["a fraction of a fen", { amount: { ...AMOUNT, total: 888.5 } }],
    ["a zero amount", { amount: { ...AMOUNT, total: 0 } }],
    ["a negative amount", { amount: { ...AMOUNT, total: -888 } }],
    ["an amount that isn't exact", { amount: { ...AMOUNT, total: 2 ** 53 } }],
    ["another currency", { amount: { ...AMOUNT, currency: "USD" } }],
  ])("returns unknown for a payment with %s", async (_name, change) => {
    const { wechat } = stubV3([signed(transaction(change))]);
    expect((await wechat.queryPayment(order)).kind).toBe("unknown");
  });

  test.each([undefined, "", "2018-06-08", "2018-13-08T10:34:56+08:00", "20180608103456"])(
    "accepts a payment without a currency or a readable time (%s)",
    async (time) => {
      const paid = transaction({ success_time: time, amount: { total: 888 } });
      const { wechat } = stubV3([signed(paid)]);
      expect(await wechat.queryPayment(order)).toMatchObject({
        kind: "paid",
        payment: { paidAt: null },
      });
    },
  );

  test("returns absent for ORDER_NOT_EXIST", async () => {
    const { wechat } = stubV3([refusal(404, "ORDER_NOT_EXIST")]);
    expect(await wechat.queryPayment(order)).toEqual({ kind: "absent" });
  });
});

describe("close", () => {
  test("returns closed for a signed 204", async () => {
    const { wechat, sent } = stubV3([noContent()]);
    expect(await wechat.close(order)).toEqual({ kind: "closed" });
    expect([sent[0]?.method, sent[0]?.url, sent[0]?.body]).toEqual([
      "POST",
      `https://wechat.test${ORDER_PATH}/close`,
      `{"mchid":"${MCH_ID}"}`,
    ]);
  });

  test.each([
    [400, "ORDERPAID", "paid"],
    [400, "ORDER_CLOSED", "closed"],
    [404, "ORDER_NOT_EXIST", "absent"],
    [500, "SYSTEM_ERROR", "unknown"],
    [400, "BRAND_NEW", "refused"],
  ])("maps %i %s to %s", async (status, code, kind) => {
    const { wechat, sent } = stubV3([refusal(status, code)]);
    expect((await wechat.close(order)).kind).toBe(kind);
    expect(sent).toHaveLength(1);
  });
});

describe("refund", () => {
  test("sends exactly the documented fields", async () => {
    const { wechat, sent } = stubV3([signed(refundReport({ status: "PROCESSING" }))]);
    expect(await wechat.refund(refundRequest)).toEqual({
      kind: "accepted",
      refundId: REFUND_ID,
      refundFen: 100,
    });
    expect([sent[0]?.method, sent[0]?.url]).toEqual([
      "POST",
      "https://wechat.test/v3/refund/domestic/refunds",
    ]);
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({
      out_trade_no: ORDER_NUMBER,
      out_refund_no: REFUND_NO,
      notify_url: refundRequest.notifyUrl,
      amount: { refund: 100, total: 888, currency: "CNY" },
    });
  });

  test.each(["SUCCESS", "PROCESSING", "CLOSED", "ABNORMAL", "NEW"])(
    "returns accepted, whatever the refund's status: %s",
    async (status) => {
      const { wechat } = stubV3([signed(refundReport({ status }))]);
      expect((await wechat.refund(refundRequest)).kind).toBe("accepted");
    },
  );

  test.each<[string, object]>([
    ["another refund", { out_refund_no: "other" }],
    ["another order", { out_trade_no: "f".repeat(32) }],
    ["another transaction", { transaction_id: "4200000000000000000000000000" }],
    ["no refund_id", { refund_id: "" }],
    ["another amount", { amount: { refund: 101, total: 888 } }],
    ["no amount", { amount: { total: 888 } }],
    ["another currency", { amount: { refund: 100, total: 888, currency: "USD" } }],
  ])("returns unknown for an answer with %s", async (_name, change) => {
    const { wechat } = stubV3([signed(refundReport(change))]);
    expect((await wechat.refund(refundRequest)).kind).toBe("unknown");
  });

  test("includes the Request-ID for WeChat's support in a refusal", async () => {
    const answer = refusal(403, "NOT_ENOUGH", "基本账户余额不足", "08F78BB5AF0610D302-268435464");
    expect(await stubV3([answer]).wechat.refund(refundRequest)).toEqual({
      kind: "refused",
      code: "NOT_ENOUGH",
      message: "基本账户余额不足 (Request-ID 08F78BB5AF0610D302-268435464)",
      blame: "merchant",
      cause: "balance",
    });
  });
});

describe("queryRefund", () => {
  test("sends our refund number", async () => {
    const { wechat, sent } = stubV3([signed(refundReport())]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toEqual({
      kind: "found",
      refund: {
        refundNo: REFUND_NO,
        refundId: REFUND_ID,
        refundFen: 100,
        status: "succeeded",
        succeededAt: Date.UTC(2020, 11, 1, 8, 18, 12),
      },
    });
    expect([sent[0]?.method, sent[0]?.url]).toEqual([
      "GET",
      `https://wechat.test/v3/refund/domestic/refunds/${REFUND_NO}`,
    ]);
  });

  test.each([
    ["PROCESSING", "processing"],
    ["CLOSED", "closed"],
    ["ABNORMAL", "abnormal"],
  ])("maps status %s to %s", async (wechatStatus, status) => {
    const { wechat } = stubV3([signed(refundReport({ status: wechatStatus }))]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toMatchObject({
      refund: { status, succeededAt: null },
    });
  });

  test.each<[string, object]>([
    ["an unlisted status", { status: "CHANGE" }],
    ["another refund", { out_refund_no: "other" }],
    ["another order", { out_trade_no: "f".repeat(32) }],
    ["no refund_id", { refund_id: undefined }],
    ["no amount", { amount: undefined }],
  ])("returns unknown for an answer with %s", async (_name, change) => {
    const { wechat } = stubV3([signed(refundReport(change))]);
    expect((await wechat.queryRefund(order, REFUND_NO)).kind).toBe("unknown");
  });

  test("returns absent for RESOURCE_NOT_EXISTS", async () => {
    const { wechat } = stubV3([refusal(404, "RESOURCE_NOT_EXISTS")]);
    expect(await wechat.queryRefund(order, REFUND_NO)).toEqual({ kind: "absent" });
  });
});
