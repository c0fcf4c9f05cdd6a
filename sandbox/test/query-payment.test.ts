import { beforeEach, expect, test } from "vitest";
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
} from "./helpers.ts";

const NUMBER = "QUERY0000001";

beforeEach(resetSandbox);

test("orderquery fails with ORDERNOTEXIST for an unknown order", async () => {
  expect(await queryOrder(NUMBER)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});

test("orderquery returns few fields of an unpaid order", async () => {
  await placeOrder(NUMBER, { attach: "附加" });
  const response = await queryOrder(NUMBER);
  expect(response).toMatchObject({ trade_state: "NOTPAY", total_fee: "100", attach: "附加" });
  expect(response).not.toHaveProperty("transaction_id");
  expect(response).not.toHaveProperty("time_end");
  expect(response).not.toHaveProperty("openid");
});

test("orderquery returns empty values, which are not signed", async () => {
  await placeOrder(NUMBER);
  expect(await queryOrder(NUMBER)).toMatchObject({ device_info: "", attach: "" });
});

test("orderquery returns all fields of a paid order by either number", async () => {
  await placePaidOrder(NUMBER);
  const response = await queryOrder(NUMBER);
  expect(response).toMatchObject({
    trade_state: "SUCCESS",
    trade_state_desc: "支付成功",
    openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    trade_type: "JSAPI",
    bank_type: "OTHERS",
    total_fee: "100",
    cash_fee: "100",
    fee_type: "CNY",
    time_end: "21000101120506",
    out_trade_no: NUMBER,
  });
  const transactionId = response["transaction_id"] ?? "";
  expect(transactionId).toMatch(/^42\d{26}$/);
  // The transaction_id takes precedence over the out_trade_no.
  const params = commonParams({ transaction_id: transactionId, out_trade_no: "ANOTHER00001" });
  expect(await call("/pay/orderquery", params)).toMatchObject({ out_trade_no: NUMBER });
});

test("orderquery fails with ORDERNOTEXIST for an unknown transaction", async () => {
  const params = commonParams({ transaction_id: "4200000000000000000000000000" });
  expect(await call("/pay/orderquery", params)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});

test("orderquery returns REFUND for a refunded order, even if the refund is closed", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "REFUND1");
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND", total_fee: "100" });
  await control("POST", "/refunds/REFUND1/outcome", { status: "REFUNDCLOSE", notify: false });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND" });
  expect(await orderDetails(NUMBER)).toMatchObject({ refundedFee: 0 });
});

test("orderquery fails with PARAM_ERROR for another appid of the merchant", async () => {
  await placeOrder(NUMBER);
  const params = { ...commonParams({ out_trade_no: NUMBER }), appid: SECOND_APP_ID };
  expect(await call("/pay/orderquery", params)).toMatchObject({ err_code: "PARAM_ERROR" });
});

test("an unpaid order is closed after 7 days", async () => {
  await placeOrder(NUMBER);
  advanceClock(7 * 24 * 3_600_000);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "NOTPAY" });
  advanceClock(1);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "CLOSED" });
});
