import { beforeEach, describe, expect, test } from "vitest";
import { APP_ID, MCH_ID, resetSandbox, state } from "./helpers.ts";
import {
  callV3,
  orderBody,
  placeOrderV3,
  refundBody,
  sendV3,
  type Json,
  type V3Response,
} from "./v3-helpers.ts";

const NUMBER = "FORMED000001";
const JSAPI = "/v3/pay/transactions/jsapi";
const REFUNDS = "/v3/refund/domestic/refunds";
const LONG = "国".repeat(43);

beforeEach(resetSandbox);

/** Expects PARAM_ERROR with the name of the invalid field. */
function expectInvalidField(response: V3Response, field: string): void {
  expect(response).toMatchObject({
    status: 400,
    json: { code: "PARAM_ERROR", detail: { field, issue: expect.any(String) } },
  });
}

describe("an APIv3 order", () => {
  test.each<[string, Json]>([
    ["/appid", { appid: undefined }],
    ["/appid", { appid: "" }],
    ["/mchid", { mchid: undefined }],
    ["/mchid", { mchid: 1_900_000_109 }],
    ["/description", { description: undefined }],
    ["/description", { description: "" }],
    ["/description", { description: LONG }],
    ["/out_trade_no", { out_trade_no: "SHORT" }],
    ["/out_trade_no", { out_trade_no: "N".repeat(33) }],
    ["/out_trade_no", { out_trade_no: "number@1" }],
    ["/time_expire", { time_expire: "2100-01-01 12:00:00" }],
    ["/time_expire", { time_expire: "2100-02-30T12:00:00+08:00" }],
    ["/time_expire", { time_expire: "20991231235959" }],
    ["/attach", { attach: LONG }],
    ["/attach", { attach: null }],
    ["/notify_url", { notify_url: undefined }],
    ["/notify_url", { notify_url: "http://merchant.test/notify" }],
    ["/notify_url", { notify_url: "https://merchant.test/notify?a=1" }],
    ["/notify_url", { notify_url: "https://merchant.test/#x" }],
    ["/notify_url", { notify_url: "https://user:pass@merchant.test/" }],
    ["/notify_url", { notify_url: "merchant.test/notify" }],
    ["/notify_url", { notify_url: `https://merchant.test/${"x".repeat(240)}` }],
    ["/goods_tag", { goods_tag: "x".repeat(33) }],
    ["/support_fapiao", { support_fapiao: "true" }],
    ["/amount", { amount: undefined }],
    ["/amount/total", { amount: {} }],
    ["/amount/total", { amount: { total: 0 } }],
    ["/amount/total", { amount: { total: -1 } }],
    ["/amount/total", { amount: { total: 1.5 } }],
    ["/amount/total", { amount: { total: "100" } }],
    ["/amount/total", { amount: { total: 2 ** 31 } }],
    ["/amount/currency", { amount: { total: 1, currency: "USD" } }],
    ["/amount/refund", { amount: { total: 1, refund: 1 } }],
    ["/payer", { payer: undefined }],
    ["/payer/openid", { payer: {} }],
    ["/payer/openid", { payer: { openid: "" } }],
    ["/payer/openid", { payer: { openid: "x".repeat(129) } }],
    ["/scene_info/payer_client_ip", { scene_info: {} }],
    ["/scene_info/store_info/id", { scene_info: { payer_client_ip: "1.2.3.4", store_info: {} } }],
    ["/settle_info/profit_sharing", { settle_info: { profit_sharing: "Y" } }],
    ["/limit_pay/0", { limit_pay: ["none"] }],
    [
      "/detail/goods_detail/0/unit_price",
      { detail: { goods_detail: [{ merchant_goods_id: "1", quantity: 1 }] } },
    ],
    [
      "/detail",
      {
        detail: {
          invoice_id: "1",
          goods_detail: Array.from({ length: 80 }, () => ({
            merchant_goods_id: "1",
            quantity: 1,
            unit_price: 1,
            goods_name: "x".repeat(60),
          })),
        },
      },
    ],
  ])("with an invalid %s is refused: %j", async (field, changes) => {
    expectInvalidField(await placeOrderV3(NUMBER, changes), field);
    expect((await state()).orders).toEqual([]);
  });

  test.each<[string, Json]>([
    ["/body", { body: "a name of APIv2" }],
    ["/sub_mchid", { sub_mchid: null }],
    ["/payer/sp_openid", { payer: { openid: "o", sp_openid: "o" } }],
    ["/a~1b~0c", { "a/b~c": 1 }],
  ])("with the undocumented %s is refused with a number of its own", async (field, changes) => {
    const response = await placeOrderV3(NUMBER, changes);
    expectInvalidField(response, field);
    expect(response.headers.get("request-id")).toMatch(/-270924358$/);
  });

  test("can have all documented fields", async () => {
    const response = await placeOrderV3(NUMBER, {
      time_expire: "2100-01-01T20:00:00+08:00",
      attach: "附".repeat(42),
      goods_tag: "WXG",
      support_fapiao: true,
      detail: {
        cost_price: 100,
        invoice_id: "123",
        goods_detail: [
          {
            merchant_goods_id: "1246464644",
            wechatpay_goods_id: "1001",
            goods_name: "iPhone",
            quantity: 1,
            unit_price: 100,
          },
        ],
      },
      scene_info: {
        payer_client_ip: "14.23.150.211",
        device_id: "013467007045764",
        store_info: { id: "0001", name: "腾讯大厦", area_code: "440305", address: "深圳市" },
      },
      settle_info: { profit_sharing: false },
      limit_pay: ["no_credit"],
    });
    expect(response).toMatchObject({
      status: 200,
      json: { prepay_id: expect.stringMatching(/^wx/) },
    });
  });

  test.each(["http://127.0.0.1:8790/n", "http://localhost/n", "http://[::1]:1/n"])(
    "can have the notify_url %s on this machine",
    async (notifyUrl) => {
      expect((await placeOrderV3(NUMBER, { notify_url: notifyUrl })).status).toBe(200);
    },
  );

  test("with another mchid than the signer is refused", async () => {
    expectInvalidField(await placeOrderV3(NUMBER, { mchid: "1900000110" }), "mchid");
  });

  test("with an appid of another merchant is refused", async () => {
    const response = await placeOrderV3(NUMBER, { appid: "wx0000000000000000" });
    expect(response).toMatchObject({ status: 400, json: { code: "APPID_MCHID_NOT_MATCH" } });
  });

  test.each(["", "[]", "null", "{", "\u{feff}{}", '"text"'])(
    "with the body %j is refused",
    async (body) => {
      const response = await sendV3("POST", JSAPI, body);
      expect(response).toMatchObject({ status: 400, json: { code: "PARAM_ERROR" } });
    },
  );

  test("with a query is refused", async () => {
    expectInvalidField(await callV3("POST", `${JSAPI}?a=1`, orderBody(NUMBER)), "/a");
  });
});

describe("an APIv3 refund", () => {
  const amount = { refund: 40, total: 100, currency: "CNY" };

  test.each<[string, Json]>([
    ["/out_refund_no", { out_refund_no: undefined }],
    ["/out_refund_no", { out_refund_no: "a b" }],
    ["/out_refund_no", { out_refund_no: "R".repeat(65) }],
    ["/out_trade_no", { out_trade_no: undefined }],
    ["/out_trade_no", { transaction_id: "4200000000000000000000000000" }],
    ["/transaction_id", { out_trade_no: undefined, transaction_id: "x" }],
    ["/reason", { reason: "" }],
    ["/reason", { reason: "国".repeat(27) }],
    ["/notify_url", { notify_url: "https://merchant.test/?" }],
    ["/funds_account", { funds_account: "BASIC" }],
    ["/amount/refund", { amount: { ...amount, refund: 0 } }],
    ["/amount/refund", { amount: { ...amount, refund: 101 } }],
    ["/amount/total", { amount: { ...amount, total: undefined } }],
    ["/amount/currency", { amount: { refund: 40, total: 100 } }],
    ["/amount/from/0/account", { amount: { ...amount, from: [{ account: "X", amount: 40 }] } }],
    [
      "/goods_detail/0/refund_quantity",
      { goods_detail: [{ merchant_goods_id: "1", unit_price: 1, refund_amount: 1 }] },
    ],
    ["/mchid", { mchid: MCH_ID }],
    ["/refund_desc", { refund_desc: "a name of APIv2" }],
  ])("with an invalid %s is refused: %j", async (field, changes) => {
    expectInvalidField(await callV3("POST", REFUNDS, refundBody(NUMBER, "R1", changes)), field);
  });
});

describe("the path and the query of an APIv3 call", () => {
  const query = `/v3/pay/transactions/out-trade-no/${NUMBER}`;

  test.each([
    ["/mchid", query],
    ["/mchid", `${query}?mchid=x`],
    ["/appid", `${query}?mchid=${MCH_ID}&appid=${APP_ID}`],
    ["mchid", `${query}?mchid=1900000110`],
    ["/out_trade_no", `/v3/pay/transactions/out-trade-no/SHORT?mchid=${MCH_ID}`],
    ["/transaction_id", `/v3/pay/transactions/id/${NUMBER}?mchid=${MCH_ID}`],
    ["/out_refund_no", `${REFUNDS}/a%20b`],
    ["/mchid", `${REFUNDS}/R1?mchid=${MCH_ID}`],
    ["/algorithm_type", "/v3/certificates?algorithm_type=SM2"],
  ])("with an invalid %s are refused: %s", async (field, target) => {
    expectInvalidField(await callV3("GET", target), field);
  });

  test("with a repeated parameter are refused", async () => {
    const response = await callV3("GET", `${query}?mchid=${MCH_ID}&mchid=${MCH_ID}`);
    expect(response).toMatchObject({ status: 400, json: { code: "PARAM_ERROR" } });
  });

  test("don't replace the mchid in the body of a close, which has no other field", async () => {
    expectInvalidField(await callV3("POST", `${query}/close`, {}), "/mchid");
    expectInvalidField(await callV3("POST", `${query}/close`, { mchid: "1900000110" }), "mchid");
    expectInvalidField(
      await callV3("POST", `${query}/close`, { mchid: MCH_ID, appid: APP_ID }),
      "/appid",
    );
  });
});
