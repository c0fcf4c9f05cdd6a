import { beforeEach, describe, expect, test } from "vitest";
import {
  call,
  commonParams,
  control,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  SECOND_APP_ID,
  type Params,
} from "./helpers.ts";

const NUMBER = "REFQUERY0001";

const query = async (params: Params): Promise<Params> =>
  await call("/pay/refundquery", commonParams(params));

beforeEach(async () => {
  await resetSandbox();
  await control("PATCH", "/settings", { refundSpacingMs: 0 });
  await placePaidOrder(NUMBER);
});

describe("the four keys of refundquery", () => {
  let keys: Params;

  beforeEach(async () => {
    await requestRefund(NUMBER, "R1", { refund_fee: "1" });
    const second = await requestRefund(NUMBER, "R2", { refund_fee: "2" });
    const order = await queryOrder(NUMBER);
    keys = {
      refund_id: second["refund_id"] ?? "",
      out_refund_no: "R1",
      transaction_id: order["transaction_id"] ?? "",
      out_trade_no: NUMBER,
    };
  });

  const pick = (...names: string[]): Params =>
    Object.fromEntries(names.map((name) => [name, keys[name] ?? ""]));

  test("each select their refunds", async () => {
    expect(await query(pick("refund_id"))).toMatchObject({ refund_count: "1", refund_fee_0: "2" });
    const byNumber = await query(pick("out_refund_no"));
    expect(byNumber).toMatchObject({ refund_count: "1", refund_fee_0: "1" });
    for (const name of ["transaction_id", "out_trade_no"]) {
      const all = await query(pick(name));
      expect(all).toMatchObject({ refund_count: "2", refund_fee_0: "1", refund_fee_1: "2" });
    }
  });

  test("have WeChat's precedence when several are given", async () => {
    const all = ["refund_id", "out_refund_no", "transaction_id", "out_trade_no"];
    expect(await query(pick(...all))).toMatchObject({ refund_count: "1", refund_fee_0: "2" });
    const three = await query(pick(...all.slice(1)));
    expect(three).toMatchObject({ refund_count: "1", refund_fee_0: "1" });
    const wrong = { ...pick("out_trade_no"), transaction_id: "4200000000000000000000000000" };
    expect(await query(wrong)).toMatchObject({ err_code: "REFUNDNOTEXIST" });
  });

  test("require the appid of the order", async () => {
    const params = { ...commonParams(pick("refund_id")), appid: SECOND_APP_ID };
    expect(await call("/pay/refundquery", params)).toMatchObject({ err_code: "PARAM_ERROR" });
  });
});

test("refundquery returns a refund in WeChat's spelling", async () => {
  const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
  const response = await query({ out_refund_no: "R1" });
  expect(response).toMatchObject({
    out_trade_no: NUMBER,
    total_fee: "100",
    cash_fee: "100",
    refund_count: "1",
    out_refund_no_0: "R1",
    refund_id_0: refundId,
    refund_channel_0: "ORIGINAL",
    refund_fee_0: "40",
    refund_status_0: "PROCESSING",
    refund_account_0: "REFUND_SOURCE_RECHARGE_FUNDS",
    refund_recv_accout_0: "支付用户零钱",
  });
  expect(response).not.toHaveProperty("refund_success_time_0");
  expect(response).not.toHaveProperty("total_refund_count");

  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS", notify: false });
  expect(await query({ out_refund_no: "R1" })).toMatchObject({
    refund_status_0: "SUCCESS",
    refund_success_time_0: "2100-01-01 12:05:06",
  });
});

test.each(["CHANGE", "REFUNDCLOSE"])("refundquery returns the status %s", async (status) => {
  await requestRefund(NUMBER, "R1");
  await control("POST", "/refunds/R1/outcome", { status, notify: false });
  const response = await query({ out_refund_no: "R1" });
  expect(response).toMatchObject({ refund_status_0: status });
  expect(response).not.toHaveProperty("refund_success_time_0");
});

test("refundquery returns ten refunds per page", async () => {
  for (let count = 1; count <= 11; count++) {
    await requestRefund(NUMBER, `R${count}`, { refund_fee: "1" });
  }
  const first = await query({ out_trade_no: NUMBER });
  expect(first).toMatchObject({ total_refund_count: "11", refund_count: "10" });
  expect(first).toMatchObject({ out_refund_no_0: "R1", out_refund_no_9: "R10" });
  expect(first).not.toHaveProperty("out_refund_no_10");
  const second = await query({ out_trade_no: NUMBER, offset: "10" });
  expect(second).toMatchObject({ total_refund_count: "11", refund_count: "1" });
  expect(second).toMatchObject({ out_refund_no_0: "R11" });
  const past = await query({ out_trade_no: NUMBER, offset: "11" });
  expect(past).toMatchObject({ err_code: "PARAM_ERROR", err_code_des: "invalid offset" });
});

test.each<[string, Params]>([
  ["an unknown refund_id", { refund_id: "50000000000000000000000000000" }],
  ["an unknown out_refund_no", { out_refund_no: "ABSENT" }],
  ["an unknown order", { out_trade_no: "ABSENT000001" }],
  ["an order without refunds", { out_trade_no: NUMBER }],
])("refundquery fails with REFUNDNOTEXIST for %s", async (_what, params) => {
  expect(await query(params)).toMatchObject({ err_code: "REFUNDNOTEXIST" });
});

test("refundquery fails with REFUNDNOTEXIST for an unpaid order", async () => {
  await placeOrder("UNPAID000001");
  const response = await query({ out_trade_no: "UNPAID000001" });
  expect(response).toMatchObject({ err_code: "REFUNDNOTEXIST" });
});
