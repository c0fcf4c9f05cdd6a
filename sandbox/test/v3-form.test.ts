import { beforeEach, describe, expect, test } from "vitest";
import { APP_ID, freshSandbox, MCH_ID, state } from "./helpers.ts";
import {
  call3,
  orderBody,
  placeOrder3,
  refundBody,
  send3,
  type Json,
  type Reply3,
} from "./v3-helpers.ts";

const NUMBER = "FORMED000001";
const JSAPI = "/v3/pay/transactions/jsapi";
const REFUNDS = "/v3/refund/domestic/refunds";
const LONG = "国".repeat(43);

beforeEach(freshSandbox);

/** Refused with PARAM_ERROR, which names the field at fault. */
function expectFault(reply: Reply3, field: string): void {
  expect(reply).toMatchObject({
    status: 400,
    json: { code: "PARAM_ERROR", detail: { field, issue: expect.any(String) } },
  });
}

describe("an order", () => {
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
  ])("with a wrong %s is refused: %j", async (field, changes) => {
    expectFault(await placeOrder3(NUMBER, changes), field);
    expect((await state()).orders).toEqual([]);
  });

  test.each<[string, Json]>([
    ["/body", { body: "a name of APIv2" }],
    ["/sub_mchid", { sub_mchid: null }],
    ["/payer/sp_openid", { payer: { openid: "o", sp_openid: "o" } }],
    ["/a~1b~0c", { "a/b~c": 1 }],
  ])("with the undocumented %s is refused, by its own number", async (field, changes) => {
    const reply = await placeOrder3(NUMBER, changes);
    expectFault(reply, field);
    expect(reply.headers.get("request-id")).toMatch(/-270924358$/);
  });

  test("may say all that is documented", async () => {
    const reply = await placeOrder3(NUMBER, {
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
    expect(reply).toMatchObject({ status: 200, json: { prepay_id: expect.stringMatching(/^wx/) } });
  });

  test.each(["http://127.0.0.1:8790/n", "http://localhost/n", "http://[::1]:1/n"])(
    "may be notified at %s, which is this machine",
    async (notifyUrl) => {
      expect((await placeOrder3(NUMBER, { notify_url: notifyUrl })).status).toBe(200);
    },
  );

  test("of another merchant than the signer is refused", async () => {
    expectFault(await placeOrder3(NUMBER, { mchid: "1900000110" }), "mchid");
  });

  test("of an app that is not the merchant's is refused", async () => {
    const reply = await placeOrder3(NUMBER, { appid: "wx0000000000000000" });
    expect(reply).toMatchObject({ status: 400, json: { code: "APPID_MCHID_NOT_MATCH" } });
  });

  test.each(["", "[]", "null", "{", "\u{feff}{}", '"text"'])("%j is no body", async (body) => {
    const reply = await send3("POST", JSAPI, body);
    expect(reply).toMatchObject({ status: 400, json: { code: "PARAM_ERROR" } });
  });

  test("takes no query", async () => {
    expectFault(await call3("POST", `${JSAPI}?a=1`, orderBody(NUMBER)), "/a");
  });
});

describe("a refund", () => {
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
  ])("with a wrong %s is refused: %j", async (field, changes) => {
    expectFault(await call3("POST", REFUNDS, refundBody(NUMBER, "R1", changes)), field);
  });
});

describe("a number in a path or a query", () => {
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
  ])("that is wrong (%s) is refused: %s", async (field, target) => {
    expectFault(await call3("GET", target), field);
  });

  test("must be there once", async () => {
    const reply = await call3("GET", `${query}?mchid=${MCH_ID}&mchid=${MCH_ID}`);
    expect(reply).toMatchObject({ status: 400, json: { code: "PARAM_ERROR" } });
  });

  test("a close names its merchant in the body, and it alone", async () => {
    expectFault(await call3("POST", `${query}/close`, {}), "/mchid");
    expectFault(await call3("POST", `${query}/close`, { mchid: "1900000110" }), "mchid");
    expectFault(await call3("POST", `${query}/close`, { mchid: MCH_ID, appid: APP_ID }), "/appid");
  });
});
