import { beforeEach, expect, test } from "vitest";
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
} from "./helpers.ts";

const NUMBER = "QUERY0000001";

beforeEach(freshSandbox);

test("an absent order is ORDERNOTEXIST", async () => {
  expect(await queryOrder(NUMBER)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});

test("an unpaid order tells little", async () => {
  await placeOrder(NUMBER, { attach: "附加" });
  const answer = await queryOrder(NUMBER);
  expect(answer).toMatchObject({ trade_state: "NOTPAY", total_fee: "100", attach: "附加" });
  expect(answer).not.toHaveProperty("transaction_id");
  expect(answer).not.toHaveProperty("time_end");
  expect(answer).not.toHaveProperty("openid");
});

test("empty values are written, and not signed", async () => {
  await placeOrder(NUMBER);
  expect(await queryOrder(NUMBER)).toMatchObject({ device_info: "", attach: "" });
});

test("a paid order tells all, by either number", async () => {
  await placePaidOrder(NUMBER);
  const answer = await queryOrder(NUMBER);
  expect(answer).toMatchObject({
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
  const transactionId = answer["transaction_id"] ?? "";
  expect(transactionId).toMatch(/^42\d{26}$/);
  // The transaction_id wins, whatever the out_trade_no says.
  const params = common({ transaction_id: transactionId, out_trade_no: "ANOTHER00001" });
  expect(await call("/pay/orderquery", params)).toMatchObject({ out_trade_no: NUMBER });
});

test("an unknown transaction is ORDERNOTEXIST", async () => {
  const params = common({ transaction_id: "4200000000000000000000000000" });
  expect(await call("/pay/orderquery", params)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});

test("a refunded order is REFUND, whatever becomes of the refund", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "REFUND1");
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND", total_fee: "100" });
  await control("POST", "/refunds/REFUND1/outcome", { status: "REFUNDCLOSE", notify: false });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND" });
  expect(await details(NUMBER)).toMatchObject({ refundedFee: 0 });
});

test("an order can't be handled through another appid of the merchant", async () => {
  await placeOrder(NUMBER);
  const params = { ...common({ out_trade_no: NUMBER }), appid: SECOND_APP_ID };
  expect(await call("/pay/orderquery", params)).toMatchObject({ err_code: "PARAM_ERROR" });
});

test("an unpaid order closes by itself after 7 days", async () => {
  await placeOrder(NUMBER);
  pass(7 * 24 * 3_600_000);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "NOTPAY" });
  pass(1);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "CLOSED" });
});
