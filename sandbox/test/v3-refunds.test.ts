import { beforeEach, describe, expect, test } from "vitest";
import { advanceClock, control, orderDetails, resetSandbox } from "./helpers.ts";
import {
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  queryRefundV3,
  requestRefundV3,
  type Json,
} from "./v3-helpers.ts";

const NUMBER = "REFUNDED3001";
const MINUTE = 60_000;
const amount = (refund: number, total = 100): Json => ({
  amount: { refund, total, currency: "CNY" },
});

beforeEach(async () => {
  await resetSandbox();
  await placePaidOrderV3(NUMBER);
});

test("an APIv3 refund is accepted, stays PROCESSING and can be queried", async () => {
  const { status, json } = await requestRefundV3(NUMBER, "R1", { reason: "商品已售完" });
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
  expect((await queryRefundV3("R1")).json).toEqual(json);
  expect(await orderDetails(NUMBER)).toMatchObject({
    refunds: [{ protocol: "v3", totalFee: 100 }],
  });
});

test.each([
  ["SUCCESS", "SUCCESS", "2100-01-01T12:05:06+08:00"],
  ["CHANGE", "ABNORMAL", undefined],
  ["REFUNDCLOSE", "CLOSED", undefined],
])("an APIv3 refund with outcome %s has the status %s", async (outcome, status, successTime) => {
  await requestRefundV3(NUMBER, "R1");
  await control("POST", "/refunds/R1/outcome", { status: outcome, notify: false });
  const { json } = await queryRefundV3("R1");
  expect(json["status"]).toBe(status);
  expect(json["success_time"]).toBe(successTime);
});

describe("a repeated APIv3 refund", () => {
  test("returns the same refund, even after a day and by the other number of the order", async () => {
    const first = await requestRefundV3(NUMBER, "R1");
    advanceClock(24 * 60 * MINUTE);
    const second = await requestRefundV3(NUMBER, "R1");
    const id = { out_trade_no: undefined, transaction_id: first.json["transaction_id"] };
    const third = await requestRefundV3(NUMBER, "R1", id);
    expect(second.json["refund_id"]).toBe(first.json["refund_id"]);
    expect(third.json["refund_id"]).toBe(first.json["refund_id"]);
    expect(await orderDetails(NUMBER)).toMatchObject({ refundedFee: 40, refunds: [{ calls: 3 }] });
  });

  test.each<Json>([
    amount(41),
    { reason: "another" },
    { notify_url: undefined },
    { funds_account: "AVAILABLE" },
  ])("fails with %j", async (changes) => {
    await requestRefundV3(NUMBER, "R1");
    const response = await requestRefundV3(NUMBER, "R1", changes);
    expect(response).toMatchObject({ status: 400, json: { code: "INVALID_REQUEST" } });
  });
});

describe("an APIv3 refund fails", () => {
  test("for an unknown and an unpaid order", async () => {
    await placeOrderV3("UNPAID300001");
    for (const number of ["ABSENT300001", "UNPAID300001"]) {
      expect(await requestRefundV3(number, "R1")).toMatchObject({
        status: 404,
        json: { code: "RESOURCE_NOT_EXISTS" },
      });
    }
    const id = { out_trade_no: undefined, transaction_id: "4200000000000000000000000000" };
    expect(await requestRefundV3(NUMBER, "R1", id)).toMatchObject({ status: 404 });
  });

  test("with another total than the order's", async () => {
    expect(await requestRefundV3(NUMBER, "R1", amount(40, 101))).toMatchObject({ status: 400 });
  });

  test("above the rest of the payment, and after a full refund", async () => {
    await control("PATCH", "/settings", { refundSpacingMs: 0 });
    await requestRefundV3(NUMBER, "R1");
    expect(await requestRefundV3(NUMBER, "R2", amount(61))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "退款金额大于可退金额" },
    });
    expect((await requestRefundV3(NUMBER, "R2", amount(60))).status).toBe(200);
    expect(await requestRefundV3(NUMBER, "R3", amount(1))).toMatchObject({
      json: { message: "订单已全额退款" },
    });
  });

  test("less than a minute after another refund of the order", async () => {
    await requestRefundV3(NUMBER, "R1");
    advanceClock(MINUTE - 1);
    expect(await requestRefundV3(NUMBER, "R2")).toMatchObject({
      status: 429,
      json: { code: "FREQUENCY_LIMITED" },
    });
    advanceClock(1);
    expect((await requestRefundV3(NUMBER, "R2")).status).toBe(200);
  });

  test("after a year, and as the 51st refund", async () => {
    await control("PATCH", "/settings", { refundSpacingMs: 0 });
    for (let count = 1; count <= 50; count++) {
      expect((await requestRefundV3(NUMBER, `R${count}`, amount(1))).status).toBe(200);
    }
    expect(await requestRefundV3(NUMBER, "R51", amount(1))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "部分退款次数超过50次" },
    });
    advanceClock(365 * 24 * 60 * MINUTE + 1);
    expect(await requestRefundV3(NUMBER, "R52", amount(1))).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST", message: "订单已经超过退款期限" },
    });
  });

  test("without changing anything", async () => {
    await requestRefundV3(NUMBER, "R1", amount(40, 101));
    expect((await queryOrderV3(NUMBER)).json).toMatchObject({ trade_state: "SUCCESS" });
    expect(await queryRefundV3("R1")).toMatchObject({
      status: 404,
      json: { code: "RESOURCE_NOT_EXISTS" },
    });
  });
});
