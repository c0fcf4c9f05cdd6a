import { beforeEach, describe, expect, test } from "vitest";
import { advanceClock, APP_ID, control, MCH_ID, orderDetails, resetSandbox } from "./helpers.ts";
import {
  callV3,
  closeOrderV3,
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  requestRefundV3,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "ORDERED00001";
const MINUTE = 60_000;

beforeEach(resetSandbox);

test("an APIv3 order returns a signed prepay_id", async () => {
  const { status, json, headers } = await placeOrderV3(NUMBER);
  expect(status).toBe(200);
  expect(json).toEqual({ prepay_id: expect.stringMatching(/^wx[0-9a-f]{34}$/) });
  expect(headers.get("wechatpay-signature-type")).toBe("WECHATPAY2-SHA256-RSA2048");
  expect(headers.get("request-id")).toMatch(/-0$/);
  expect(await orderDetails(NUMBER)).toMatchObject({
    protocol: "v3",
    body: "Image形象店-深圳腾大-QQ公仔",
    openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    notifyUrl: "https://merchant.test/notify",
    totalFee: 100,
    state: "NOTPAY",
    prepayCalls: 1,
  });
});

describe("a repeated APIv3 order", () => {
  test("returns another prepay_id for the same parameters in any order", async () => {
    const first = await placeOrderV3(NUMBER, { attach: "a" });
    const second = await placeOrderV3(NUMBER, {
      amount: { currency: "CNY", total: 100 },
      attach: "a",
    });
    expect(second.status).toBe(200);
    expect(second.json["prepay_id"]).not.toBe(first.json["prepay_id"]);
    expect(await orderDetails(NUMBER)).toMatchObject({ prepayCalls: 2 });
  });

  test.each<Json>([
    { amount: { total: 101, currency: "CNY" } },
    { amount: { total: 100 } },
    { description: "another" },
    { payer: { openid: "another" } },
    { notify_url: "https://merchant.test/other" },
    { attach: "a" },
    { time_expire: "2100-01-01T13:00:00+08:00" },
  ])("fails with a number of its own for %j", async (changes) => {
    await placeOrderV3(NUMBER);
    const response = await placeOrderV3(NUMBER, changes);
    expect(response).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
    expect(response.headers.get("request-id")).toMatch(/-268498688$/);
  });

  test("fails for a paid and a closed order", async () => {
    await placePaidOrderV3(NUMBER);
    expect(await placeOrderV3(NUMBER)).toMatchObject({ status: 400, json: { code: "ORDER_PAID" } });
    await placeOrderV3("ORDERED00002");
    await control("POST", "/orders/ORDERED00002/close");
    const response = await placeOrderV3("ORDERED00002");
    expect(response).toMatchObject({ status: 400, json: { code: "ORDER_CLOSED" } });
  });
});

const canBePaid = async (outTradeNo: string): Promise<boolean> =>
  (await control("POST", `/orders/${outTradeNo}/pay`, { notify: false })).status === 200;

describe("time_expire of an APIv3 order", () => {
  test.each([
    ["in the past is raised to a minute", "2099-12-31T00:00:00Z", MINUTE],
    ["of less than a minute is raised to a minute", "2100-01-01T12:05:26+08:00", MINUTE],
    ["of a minute is kept", "2100-01-01T12:06:06+08:00", MINUTE],
  ])("%s", async (_what, timeExpire, life) => {
    await placeOrderV3(NUMBER, { time_expire: timeExpire });
    advanceClock(life - 1);
    expect(await canBePaid(NUMBER)).toBe(true);
    await placeOrderV3("ORDERED00002", { time_expire: timeExpire });
    advanceClock(life);
    expect(await canBePaid("ORDERED00002")).toBe(false);
  });

  test("of ten minutes is kept", async () => {
    await placeOrderV3(NUMBER, { time_expire: "2100-01-01T12:15:06+08:00" });
    advanceClock(10 * MINUTE - 1);
    expect(await canBePaid(NUMBER)).toBe(true);
  });

  test("prevents the payment, but the order stays NOTPAY", async () => {
    await placeOrderV3(NUMBER, { time_expire: "2100-01-01T12:05:26+08:00" });
    advanceClock(MINUTE);
    expect(await control("POST", `/orders/${NUMBER}/pay`)).toMatchObject({ status: 409 });
    expect((await queryOrderV3(NUMBER)).json).toMatchObject({ trade_state: "NOTPAY" });
  });
});

describe("an APIv3 order query", () => {
  test("returns few fields of an unpaid order", async () => {
    await placeOrderV3(NUMBER);
    expect((await queryOrderV3(NUMBER)).json).toEqual({
      appid: APP_ID,
      mchid: MCH_ID,
      out_trade_no: NUMBER,
      trade_state: "NOTPAY",
      trade_state_desc: "订单未支付",
      promotion_detail: [],
      amount: { total: 100, payer_currency: "CNY" },
    });
  });

  test("returns all fields of a paid order by either number", async () => {
    await placePaidOrderV3(NUMBER, { attach: "附加" });
    const { json } = await queryOrderV3(NUMBER);
    expect(json).toEqual({
      appid: APP_ID,
      mchid: MCH_ID,
      out_trade_no: NUMBER,
      transaction_id: expect.stringMatching(/^42\d{26}$/),
      trade_type: "JSAPI",
      trade_state: "SUCCESS",
      trade_state_desc: "支付成功",
      bank_type: "OTHERS",
      attach: "附加",
      success_time: "2100-01-01T12:05:06+08:00",
      payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
      amount: { total: 100, payer_total: 100, currency: "CNY", payer_currency: "CNY" },
      promotion_detail: [],
    });
    const id = String(json["transaction_id"]);
    const byId = await callV3("GET", `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`);
    expect(byId.json).toEqual(json);
  });

  test("returns REFUND once a refund is accepted", async () => {
    await placePaidOrderV3(NUMBER);
    await requestRefundV3(NUMBER, "R1");
    expect((await queryOrderV3(NUMBER)).json).toMatchObject({ trade_state: "REFUND" });
  });

  test("fails with ORDER_NOT_EXIST for an unknown order", async () => {
    const response = await queryOrderV3(NUMBER);
    expect(response).toMatchObject({ status: 404, json: { code: "ORDER_NOT_EXIST" } });
    expect(response.headers.get("request-id")).toMatch(/-268512771$/);
  });

  test("by transaction_id fails before the payment", async () => {
    await placeOrderV3(NUMBER);
    const target = `/v3/pay/transactions/id/4200000000000000000000000000?mchid=${MCH_ID}`;
    expect(await callV3("GET", target)).toMatchObject({ status: 404 });
  });
});

describe("an APIv3 close", () => {
  test("fails before 5 minutes, then responds with a signed 204 every time", async () => {
    await placeOrderV3(NUMBER);
    advanceClock(5 * MINUTE - 1);
    expect(await closeOrderV3(NUMBER)).toMatchObject({
      status: 403,
      json: { code: "TRADE_ERROR" },
    });
    advanceClock(1);
    for (let count = 0; count < 2; count++) {
      const { status, text, headers } = await closeOrderV3(NUMBER);
      expect({ status, text }).toEqual({ status: 204, text: "" });
      expect(headers.get("wechatpay-signature")).toEqual(expect.any(String));
    }
    expect((await queryOrderV3(NUMBER)).json).toMatchObject({ trade_state: "CLOSED" });
  });

  test("fails with ORDER_PAID for a paid order", async () => {
    await placePaidOrderV3(NUMBER);
    expect(await closeOrderV3(NUMBER)).toMatchObject({ status: 400, json: { code: "ORDER_PAID" } });
  });

  test("fails with ORDER_NOT_EXIST for an unknown order", async () => {
    expect(await closeOrderV3(NUMBER)).toMatchObject({ status: 404 });
  });
});
