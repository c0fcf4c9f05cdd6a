import { beforeEach, describe, expect, test } from "vitest";
import {
  call,
  common,
  control,
  details,
  freshSandbox,
  pass,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  SECOND_APP_ID,
  state,
} from "./helpers.ts";

const NUMBER = "REFUNDED0001";
const MINUTE = 60_000;

beforeEach(async () => {
  await freshSandbox();
  await placePaidOrder(NUMBER);
});

test("a sound refund is accepted, no more", async () => {
  const answer = await requestRefund(NUMBER, "R1");
  expect(answer).toMatchObject({
    result_code: "SUCCESS",
    out_trade_no: NUMBER,
    out_refund_no: "R1",
    refund_fee: "40",
    total_fee: "100",
    cash_fee: "100",
    cash_refund_fee: "40",
  });
  expect(answer["refund_id"]).toMatch(/^50\d{27}$/);
  expect(await details(NUMBER)).toMatchObject({
    refundedFee: 40,
    refunds: [{ outRefundNo: "R1", status: "PROCESSING", refundFee: 40, totalFee: 100, calls: 1 }],
  });
});

describe("the same out_refund_no", () => {
  test("is one refund, however often and long it is sent", async () => {
    const first = await requestRefund(NUMBER, "R1");
    pass(2 * 24 * 3_600_000);
    const second = await requestRefund(NUMBER, "R1");
    expect(second["refund_id"]).toBe(first["refund_id"]);
    expect((await details(NUMBER)).refunds).toMatchObject([{ calls: 2 }]);
  });

  test("may name the order by its other number", async () => {
    const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
    const { transaction_id: transactionId = "" } = await queryOrder(NUMBER);
    const again = { out_trade_no: "", transaction_id: transactionId };
    expect(await requestRefund(NUMBER, "R1", again)).toMatchObject({ refund_id: refundId });
  });

  test("gives the same answer once it is closed: a new refund needs a new number", async () => {
    const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
    await control("POST", "/refunds/R1/outcome", { status: "REFUNDCLOSE", notify: false });
    expect(await requestRefund(NUMBER, "R1")).toMatchObject({ refund_id: refundId });
    pass(MINUTE);
    const full = { refund_fee: "100" };
    expect(await requestRefund(NUMBER, "R2", full)).toMatchObject({ result_code: "SUCCESS" });
  });

  test("with another amount is REFUND_FEE_MISMATCH", async () => {
    await requestRefund(NUMBER, "R1");
    for (const changes of [{ refund_fee: "41" }, { total_fee: "99" }]) {
      const answer = await requestRefund(NUMBER, "R1", changes);
      expect(answer).toMatchObject({ err_code: "REFUND_FEE_MISMATCH" });
    }
  });

  test("for another order is REFUND_FEE_MISMATCH", async () => {
    await requestRefund(NUMBER, "R1");
    await placePaidOrder("REFUNDED0002");
    const answer = await requestRefund("REFUNDED0002", "R1");
    expect(answer).toMatchObject({ err_code: "REFUND_FEE_MISMATCH" });
  });

  test("with another parameter is INVALID_REQUEST", async () => {
    await requestRefund(NUMBER, "R1");
    for (const changes of [
      { refund_desc: "why" },
      { notify_url: "https://merchant.test/other" },
      { notify_url: "" },
    ]) {
      const answer = await requestRefund(NUMBER, "R1", changes);
      expect(answer).toMatchObject({ err_code: "INVALID_REQUEST" });
    }
  });
});

describe("an amount", () => {
  test("above total_fee is rejected without a sign", async () => {
    const answer = await requestRefund(NUMBER, "R1", { refund_fee: "101" });
    expect(answer).toEqual({ return_code: "FAIL", return_msg: "invalid refund_fee" });
  });

  test("that goes with another total_fee than the order's is refused", async () => {
    const answer = await requestRefund(NUMBER, "R1", { total_fee: "101" });
    expect(answer).toMatchObject({ err_code: "INVALID_REQUEST" });
  });

  test("that brings the sum above the payment is refused", async () => {
    await requestRefund(NUMBER, "R1");
    pass(MINUTE);
    const answer = await requestRefund(NUMBER, "R2", { refund_fee: "61" });
    expect(answer).toMatchObject({
      err_code: "INVALID_REQUEST",
      err_code_des: "refund_fee大于可退金额",
    });
    const rest = await requestRefund(NUMBER, "R2", { refund_fee: "60" });
    expect(rest).toMatchObject({ result_code: "SUCCESS" });
  });

  test("of an order refunded in full is refused", async () => {
    await requestRefund(NUMBER, "R1", { refund_fee: "100" });
    const answer = await requestRefund(NUMBER, "R2", { refund_fee: "1" });
    expect(answer).toMatchObject({ err_code: "ERROR", err_code_des: "订单已全额退款" });
    // CHANGE still holds the money.
    await control("POST", "/refunds/R1/outcome", { status: "CHANGE", notify: false });
    expect(await requestRefund(NUMBER, "R2")).toMatchObject({ err_code: "ERROR" });
  });
});

test("refunds of one order are a minute apart, of different orders not", async () => {
  await requestRefund(NUMBER, "R1");
  pass(MINUTE - 1);
  expect(await requestRefund(NUMBER, "R2")).toMatchObject({ err_code: "FREQUENCY_LIMITED" });
  await placePaidOrder("REFUNDED0002");
  expect(await requestRefund("REFUNDED0002", "R3")).toMatchObject({ result_code: "SUCCESS" });
  pass(1);
  expect(await requestRefund(NUMBER, "R2")).toMatchObject({ result_code: "SUCCESS" });
});

test("the minute can be shortened, and 50 refunds are the most", async () => {
  await control("PATCH", "/settings", { refundSpacingMs: 0 });
  for (let count = 1; count <= 50; count++) {
    const answer = await requestRefund(NUMBER, `R${count}`, { refund_fee: "1" });
    expect(answer).toMatchObject({ result_code: "SUCCESS" });
  }
  const answer = await requestRefund(NUMBER, "R51", { refund_fee: "1" });
  expect(answer).toMatchObject({ err_code: "INVALID_REQUEST" });
  expect((await state()).refunds).toHaveLength(50);
});

test("an unpaid order is as good as absent", async () => {
  await placeOrder("UNPAID000001");
  for (const number of ["UNPAID000001", "ABSENT000001"]) {
    expect(await requestRefund(number, "R1")).toMatchObject({ err_code: "ORDERNOTEXIST" });
  }
  const params = { out_trade_no: "", transaction_id: "4200000000000000000000000000" };
  const answer = await requestRefund(NUMBER, "R1", params);
  expect(answer).toMatchObject({ err_code: "INVALID_TRANSACTIONID" });
});

test("after a year it is too late", async () => {
  pass(365 * 24 * 3_600_000 + 1);
  expect(await requestRefund(NUMBER, "R1")).toMatchObject({ err_code: "TRADE_OVERDUE" });
});

test("another appid of the merchant can't refund it", async () => {
  const answer = await requestRefund(NUMBER, "R1", { appid: SECOND_APP_ID });
  expect(answer).toMatchObject({ err_code: "PARAM_ERROR" });
});

test("a refused refund leaves nothing behind", async () => {
  await requestRefund(NUMBER, "R1", { total_fee: "101" });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "SUCCESS" });
  const params = common({ out_refund_no: "R1" });
  expect(await call("/pay/refundquery", params)).toMatchObject({ err_code: "REFUNDNOTEXIST" });
});
