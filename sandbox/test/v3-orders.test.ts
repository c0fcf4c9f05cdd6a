import { beforeEach, describe, expect, test } from "vitest";
import { APP_ID, control, details, freshSandbox, MCH_ID, pass } from "./helpers.ts";
import {
  call3,
  closeOrder3,
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  requestRefund3,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "ORDERED00001";
const MINUTE = 60_000;

beforeEach(freshSandbox);

test("an order is made and answered, signed, with a prepay_id", async () => {
  const { status, json, headers } = await placeOrder3(NUMBER);
  expect(status).toBe(200);
  expect(json).toEqual({ prepay_id: expect.stringMatching(/^wx[0-9a-f]{34}$/) });
  expect(headers.get("wechatpay-signature-type")).toBe("WECHATPAY2-SHA256-RSA2048");
  expect(headers.get("request-id")).toMatch(/-0$/);
  expect(await details(NUMBER)).toMatchObject({
    protocol: "v3",
    body: "Image形象店-深圳腾大-QQ公仔",
    openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    notifyUrl: "https://merchant.test/notify",
    totalFee: 100,
    state: "NOTPAY",
    prepayCalls: 1,
  });
});

describe("a repeat", () => {
  test("with the same parameters, in any order, gives another prepay_id", async () => {
    const first = await placeOrder3(NUMBER, { attach: "a" });
    const second = await placeOrder3(NUMBER, {
      amount: { currency: "CNY", total: 100 },
      attach: "a",
    });
    expect(second.status).toBe(200);
    expect(second.json["prepay_id"]).not.toBe(first.json["prepay_id"]);
    expect(await details(NUMBER)).toMatchObject({ prepayCalls: 2 });
  });

  test.each<Json>([
    { amount: { total: 101, currency: "CNY" } },
    { amount: { total: 100 } },
    { description: "another" },
    { payer: { openid: "another" } },
    { notify_url: "https://merchant.test/other" },
    { attach: "a" },
    { time_expire: "2100-01-01T13:00:00+08:00" },
  ])("with %j is refused by its own number", async (changes) => {
    await placeOrder3(NUMBER);
    const reply = await placeOrder3(NUMBER, changes);
    expect(reply).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
    expect(reply.headers.get("request-id")).toMatch(/-268498688$/);
  });

  test("of a paid or a closed order is refused", async () => {
    await placePaidOrder3(NUMBER);
    expect(await placeOrder3(NUMBER)).toMatchObject({ status: 400, json: { code: "ORDER_PAID" } });
    await placeOrder3("ORDERED00002");
    await control("POST", "/orders/ORDERED00002/close");
    const reply = await placeOrder3("ORDERED00002");
    expect(reply).toMatchObject({ status: 400, json: { code: "ORDER_CLOSED" } });
  });
});

const canBePaid = async (outTradeNo: string): Promise<boolean> =>
  (await control("POST", `/orders/${outTradeNo}/pay`, { notify: false })).status === 200;

describe("time_expire", () => {
  test.each([
    ["of the past is raised to a minute", "2099-12-31T00:00:00Z", MINUTE],
    ["of less than a minute is raised to it", "2100-01-01T12:05:26+08:00", MINUTE],
    ["of a minute is kept", "2100-01-01T12:06:06+08:00", MINUTE],
  ])("%s", async (_what, timeExpire, life) => {
    await placeOrder3(NUMBER, { time_expire: timeExpire });
    pass(life - 1);
    expect(await canBePaid(NUMBER)).toBe(true);
    await placeOrder3("ORDERED00002", { time_expire: timeExpire });
    pass(life);
    expect(await canBePaid("ORDERED00002")).toBe(false);
  });

  test("further off is kept", async () => {
    await placeOrder3(NUMBER, { time_expire: "2100-01-01T12:15:06+08:00" });
    pass(10 * MINUTE - 1);
    expect(await canBePaid(NUMBER)).toBe(true);
  });

  test("stops the payment and does not close", async () => {
    await placeOrder3(NUMBER, { time_expire: "2100-01-01T12:05:26+08:00" });
    pass(MINUTE);
    expect(await control("POST", `/orders/${NUMBER}/pay`)).toMatchObject({ status: 409 });
    expect((await queryOrder3(NUMBER)).json).toMatchObject({ trade_state: "NOTPAY" });
  });
});

describe("a query", () => {
  test("of an unpaid order tells few facts", async () => {
    await placeOrder3(NUMBER);
    expect((await queryOrder3(NUMBER)).json).toEqual({
      appid: APP_ID,
      mchid: MCH_ID,
      out_trade_no: NUMBER,
      trade_state: "NOTPAY",
      trade_state_desc: "订单未支付",
      promotion_detail: [],
      amount: { total: 100, payer_currency: "CNY" },
    });
  });

  test("of a paid order tells all, by either number", async () => {
    await placePaidOrder3(NUMBER, { attach: "附加" });
    const { json } = await queryOrder3(NUMBER);
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
    const byId = await call3("GET", `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`);
    expect(byId.json).toEqual(json);
  });

  test("says REFUND as soon as a refund was accepted", async () => {
    await placePaidOrder3(NUMBER);
    await requestRefund3(NUMBER, "R1");
    expect((await queryOrder3(NUMBER)).json).toMatchObject({ trade_state: "REFUND" });
  });

  test("of no order is ORDER_NOT_EXIST", async () => {
    const reply = await queryOrder3(NUMBER);
    expect(reply).toMatchObject({ status: 404, json: { code: "ORDER_NOT_EXIST" } });
    expect(reply.headers.get("request-id")).toMatch(/-268512771$/);
  });

  test("by transaction finds nothing before the payment", async () => {
    await placeOrder3(NUMBER);
    const target = `/v3/pay/transactions/id/4200000000000000000000000000?mchid=${MCH_ID}`;
    expect(await call3("GET", target)).toMatchObject({ status: 404 });
  });
});

describe("a close", () => {
  test("is refused before 5 minutes, then 204 and signed, however often", async () => {
    await placeOrder3(NUMBER);
    pass(5 * MINUTE - 1);
    expect(await closeOrder3(NUMBER)).toMatchObject({
      status: 403,
      json: { code: "TRADE_ERROR" },
    });
    pass(1);
    for (let count = 0; count < 2; count++) {
      const { status, text, headers } = await closeOrder3(NUMBER);
      expect({ status, text }).toEqual({ status: 204, text: "" });
      expect(headers.get("wechatpay-signature")).toEqual(expect.any(String));
    }
    expect((await queryOrder3(NUMBER)).json).toMatchObject({ trade_state: "CLOSED" });
  });

  test("of a paid order is ORDER_PAID", async () => {
    await placePaidOrder3(NUMBER);
    expect(await closeOrder3(NUMBER)).toMatchObject({ status: 400, json: { code: "ORDER_PAID" } });
  });

  test("of no order is ORDER_NOT_EXIST", async () => {
    expect(await closeOrder3(NUMBER)).toMatchObject({ status: 404 });
  });
});
