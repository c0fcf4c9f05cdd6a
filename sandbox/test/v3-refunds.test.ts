import { beforeEach, describe, expect, test } from "vitest";
import { control, details, freshSandbox, pass } from "./helpers.ts";
import {
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  queryRefund3,
  requestRefund3,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "REFUNDED3001";
const MINUTE = 60_000;
const amount = (refund: number, total = 100): Json => ({
  amount: { refund, total, currency: "CNY" },
});

beforeEach(async () => {
  await freshSandbox();
  await placePaidOrder3(NUMBER);
});

test("a refund is accepted, no more, and can be queried", async () => {
  const { status, json } = await requestRefund3(NUMBER, "R1", { reason: "商品已售完" });
  expect(status).toBe(200);
  expect(json).toEqual({
    refund_id: expect.stringMatching(/^50\d{27}$/),
    out_refund_no: "R1",
    transaction_id: expect.stringMatching(/^42\d{26}$/),
    out_trade_no: NUMBER,
    channel: "ORIGINAL",
    user_received_account: "支付用户零钱",
    create_time: "2100-01-01T12:05:06+08:00",
    status: "PROCESSING",
    funds_account: "AVAILABLE",
    amount: {
      total: 100,
      refund: 40,
      from: [],
      payer_total: 100,
      payer_refund: 40,
      settlement_refund: 40,
      settlement_total: 100,
      discount_refund: 0,
      currency: "CNY",
      refund_fee: 0,
    },
    promotion_detail: [],
  });
  expect((await queryRefund3("R1")).json).toEqual(json);
  expect(await details(NUMBER)).toMatchObject({ refunds: [{ protocol: "v3", totalFee: 100 }] });
});

test.each([
  ["SUCCESS", "SUCCESS", "2100-01-01T12:05:06+08:00"],
  ["CHANGE", "ABNORMAL", undefined],
  ["REFUNDCLOSE", "CLOSED", undefined],
])("decided as %s it is %s", async (outcome, status, successTime) => {
  await requestRefund3(NUMBER, "R1");
  await control("POST", "/refunds/R1/outcome", { status: outcome, notify: false });
  const { json } = await queryRefund3("R1");
  expect(json["status"]).toBe(status);
  expect(json["success_time"]).toBe(successTime);
});

describe("the same out_refund_no", () => {
  test("is one refund, however often and long it is sent, by either number of the order", async () => {
    const first = await requestRefund3(NUMBER, "R1");
    pass(24 * 60 * MINUTE);
    const second = await requestRefund3(NUMBER, "R1");
    const id = { out_trade_no: undefined, transaction_id: first.json["transaction_id"] };
    const third = await requestRefund3(NUMBER, "R1", id);
    expect(second.json["refund_id"]).toBe(first.json["refund_id"]);
    expect(third.json["refund_id"]).toBe(first.json["refund_id"]);
    expect(await details(NUMBER)).toMatchObject({ refundedFee: 40, refunds: [{ calls: 3 }] });
  });

  test.each<Json>([
    amount(41),
    { reason: "another" },
    { notify_url: undefined },
    { funds_account: "AVAILABLE" },
  ])("with %j is refused", async (changes) => {
    await requestRefund3(NUMBER, "R1");
    const reply = await requestRefund3(NUMBER, "R1", changes);
    expect(reply).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
  });
});

describe("a refund that can't be", () => {
  test("of no order, or of an unpaid one", async () => {
    await placeOrder3("UNPAID300001");
    for (const number of ["ABSENT300001", "UNPAID300001"]) {
      expect(await requestRefund3(number, "R1")).toMatchObject({
        status: 404,
        json: { code: "RESOURCE_NOT_EXISTS" },
      });
    }
    const id = { out_trade_no: undefined, transaction_id: "4200000000000000000000000000" };
    expect(await requestRefund3(NUMBER, "R1", id)).toMatchObject({ status: 404 });
  });

  test("of another total", async () => {
    expect(await requestRefund3(NUMBER, "R1", amount(40, 101))).toMatchObject({ status: 400 });
  });

  test("above what is left, or of nothing left", async () => {
    await control("PATCH", "/settings", { refundSpacingMs: 0 });
    await requestRefund3(NUMBER, "R1");
    expect(await requestRefund3(NUMBER, "R2", amount(61))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "退款金额大于可退金额" },
    });
    expect((await requestRefund3(NUMBER, "R2", amount(60))).status).toBe(200);
    expect(await requestRefund3(NUMBER, "R3", amount(1))).toMatchObject({
      json: { message: "订单已全额退款" },
    });
  });

  test("less than a minute after another one of the order", async () => {
    await requestRefund3(NUMBER, "R1");
    pass(MINUTE - 1);
    expect(await requestRefund3(NUMBER, "R2")).toMatchObject({
      status: 429,
      json: { code: "FREQUENCY_LIMITED" },
    });
    pass(1);
    expect((await requestRefund3(NUMBER, "R2")).status).toBe(200);
  });

  test("after a year, or the 51st", async () => {
    await control("PATCH", "/settings", { refundSpacingMs: 0 });
    for (let count = 1; count <= 50; count++) {
      expect((await requestRefund3(NUMBER, `R${count}`, amount(1))).status).toBe(200);
    }
    expect(await requestRefund3(NUMBER, "R51", amount(1))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "部分退款次数超过50次" },
    });
    pass(365 * 24 * 60 * MINUTE + 1);
    expect(await requestRefund3(NUMBER, "R52", amount(1))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "订单已经超过退款期限" },
    });
  });

  test("leaves nothing behind", async () => {
    await requestRefund3(NUMBER, "R1", amount(40, 101));
    expect((await queryOrder3(NUMBER)).json).toMatchObject({ trade_state: "SUCCESS" });
    expect(await queryRefund3("R1")).toMatchObject({
      status: 404,
      json: { code: "RESOURCE_NOT_EXISTS" },
    });
  });
});
