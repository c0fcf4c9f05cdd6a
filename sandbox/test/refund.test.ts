import { beforeEach, describe, expect, test } from "vitest";
import {
  advanceClock,
  call,
  commonParams,
  control,
  orderDetails,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";

const NUMBER = "REFUNDED0001";
const MINUTE = 60_000;

beforeEach(async () => {
  await resetSandbox();
  await placePaidOrder(NUMBER);
});

test("refund accepts a valid refund, which stays PROCESSING", async () => {
  const response = await requestRefund(NUMBER, "R1");
  expect(response).toMatchObject({
    result_code: "SUCCESS",
    out_trade_no: NUMBER,
    out_refund_no: "R1",
    refund_fee: "40",
    total_fee: "100",
    cash_fee: "100",
    cash_refund_fee: "40",
  });
  expect(response["refund_id"]).toMatch(/^50\d{27}$/);
  expect(await orderDetails(NUMBER)).toMatchObject({
    refundedFee: 40,
    refunds: [{ outRefundNo: "R1", status: "PROCESSING", refundFee: 40, totalFee: 100, calls: 1 }],
  });
});

describe("a repeated refund call", () => {
  test("returns the same refund, even after two days", async () => {
    const first = await requestRefund(NUMBER, "R1");
    advanceClock(2 * 24 * 3_600_000);
    const second = await requestRefund(NUMBER, "R1");
    expect(second["refund_id"]).toBe(first["refund_id"]);
    expect((await orderDetails(NUMBER)).refunds).toMatchObject([{ calls: 2 }]);
  });

  test("can name the order by its other number", async () => {
    const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
    const { transaction_id: transactionId = "" } = await queryOrder(NUMBER);
    const again = { out_trade_no: "", transaction_id: transactionId };
    expect(await requestRefund(NUMBER, "R1", again)).toMatchObject({ refund_id: refundId });
  });

  test("returns the same refund after it is closed; a new refund needs a new number", async () => {
    const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
    await control("POST", "/refunds/R1/outcome", { status: "REFUNDCLOSE", notify: false });
    expect(await requestRefund(NUMBER, "R1")).toMatchObject({ refund_id: refundId });
    advanceClock(MINUTE);
    const full = { refund_fee: "100" };
    expect(await requestRefund(NUMBER, "R2", full)).toMatchObject({ result_code: "SUCCESS" });
  });

  test("fails with REFUND_FEE_MISMATCH for another amount", async () => {
    await requestRefund(NUMBER, "R1");
    for (const changes of [{ refund_fee: "41" }, { total_fee: "99" }]) {
      const response = await requestRefund(NUMBER, "R1", changes);
      expect(response).toMatchObject({ err_code: "REFUND_FEE_MISMATCH" });
    }
  });

  test("fails with REFUND_FEE_MISMATCH for another order", async () => {
    await requestRefund(NUMBER, "R1");
    await placePaidOrder("REFUNDED0002");
    const response = await requestRefund("REFUNDED0002", "R1");
    expect(response).toMatchObject({ err_code: "REFUND_FEE_MISMATCH" });
  });

  test("fails with INVALID_REQUEST for another parameter", async () => {
    await requestRefund(NUMBER, "R1");
    for (const changes of [
      { refund_desc: "why" },
      { notify_url: "https://merchant.test/other" },
      { notify_url: "" },
    ]) {
      const response = await requestRefund(NUMBER, "R1", changes);
      expect(response).toMatchObject({ err_code: "INVALID_REQUEST" });
    }
  });
});

describe("the amount of a refund", () => {
  test("above total_fee fails with an unsigned FAIL", async () => {
    const response = await requestRefund(NUMBER, "R1", { refund_fee: "101" });
    expect(response).toEqual({ return_code: "FAIL", return_msg: "invalid refund_fee" });
  });

  test("fails with another total_fee than the order's", async () => {
    const response = await requestRefund(NUMBER, "R1", { total_fee: "101" });
    expect(response).toMatchObject({ err_code: "INVALID_REQUEST" });
  });

  test("fails when the sum exceeds the payment", async () => {
    await requestRefund(NUMBER, "R1");
    advanceClock(MINUTE);
    const response = await requestRefund(NUMBER, "R2", { refund_fee: "61" });
    expect(response).toMatchObject({
      err_code: "INVALID_REQUEST",
      err_code_des: "refund_fee大于可退金额",
    });
    const rest = await requestRefund(NUMBER, "R2", { refund_fee: "60" });
    expect(rest).toMatchObject({ result_code: "SUCCESS" });
  });

  test("fails when the order is refunded in full", async () => {
    await requestRefund(NUMBER, "R1", { refund_fee: "100" });
    const response = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(response).toMatchObject({ err_code: "ERROR", err_code_des: "订单已全额退款" });
    // A refund in CHANGE still counts.
    await control("POST", "/refunds/R1/outcome", { status: "CHANGE", notify: false });
    expect(await requestRefund(NUMBER, "R2")).toMatchObject({ err_code: "ERROR" });
  });
});

test("refund requires a minute between refunds of the same order", async () => {
  await requestRefund(NUMBER, "R1");
  advanceClock(MINUTE - 1);
  expect(await requestRefund(NUMBER, "R2")).toMatchObject({ err_code: "FREQUENCY_LIMITED" });
  await placePaidOrder("REFUNDED0002");
  expect(await requestRefund("REFUNDED0002", "R3")).toMatchObject({ result_code: "SUCCESS" });
  advanceClock(1);
  expect(await requestRefund(NUMBER, "R2")).toMatchObject({ result_code: "SUCCESS" });
});

test("refundSpacingMs shortens the interval; the 51st refund fails", async () => {
  await control("PATCH", "/settings", { refundSpacingMs: 0 });
  for (let count = 1; count <= 50; count++) {
    const response = await requestRefund(NUMBER, `R${count}`, { refund_fee: "1" });
    expect(response).toMatchObject({ result_code: "SUCCESS" });
  }
  const last = await requestRefund(NUMBER, "R51", { refund_fee: "1" });
  expect(last).toMatchObject({ err_code: "INVALID_REQUEST" });
  expect((await state()).refunds).toHaveLength(50);
});

test("refund fails with ORDERNOTEXIST for an unpaid and an unknown order", async () => {
  await placeOrder("UNPAID000001");
  for (const number of ["UNPAID000001", "ABSENT000001"]) {
    expect(await requestRefund(number, "R1")).toMatchObject({ err_code: "ORDERNOTEXIST" });
  }
  const params = { out_trade_no: "", transaction_id: "4200000000000000000000000000" };
  const response = await requestRefund(NUMBER, "R1", params);
  expect(response).toMatchObject({ err_code: "INVALID_TRANSACTIONID" });
});

test("refund fails with TRADE_OVERDUE after a year", async () => {
  advanceClock(365 * 24 * 3_600_000 + 1);
  expect(await requestRefund(NUMBER, "R1")).toMatchObject({ err_code: "TRADE_OVERDUE" });
});

test("refund fails with PARAM_ERROR for another appid of the merchant", async () => {
  const response = await requestRefund(NUMBER, "R1", { appid: SECOND_APP_ID });
  expect(response).toMatchObject({ err_code: "PARAM_ERROR" });
});

test("a failed refund call changes nothing", async () => {
  await requestRefund(NUMBER, "R1", { total_fee: "101" });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "SUCCESS" });
  const params = commonParams({ out_refund_no: "R1" });
  expect(await call("/pay/refundquery", params)).toMatchObject({ err_code: "REFUNDNOTEXIST" });
});
