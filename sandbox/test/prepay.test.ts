import { beforeEach, expect, test } from "vitest";
import {
  advanceClock,
  call,
  closeOrder,
  control,
  orderDetails,
  orderParams,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
  SECOND_APP_ID,
} from "./helpers.ts";

const NUMBER = "UNIFIED00001";

beforeEach(resetSandbox);

test("unifiedorder returns a prepay_id for a valid order", async () => {
  const response = await placeOrder(NUMBER);
  expect(response).toMatchObject({ result_code: "SUCCESS", trade_type: "JSAPI" });
  expect(response["prepay_id"]).toMatch(/^wx[0-9a-f]{34}$/);
});

test("unifiedorder signs the response to an HMAC-SHA256 order with HMAC-SHA256", async () => {
  const response = await placeOrder(NUMBER, { sign_type: "HMAC-SHA256" });
  expect(response["sign"]).toHaveLength(64);
});

test("a repeated unifiedorder returns a new prepay_id of the same order", async () => {
  const first = await placeOrder(NUMBER);
  const second = await placeOrder(NUMBER, { nonce_str: "another", sign_type: "MD5", attach: "" });
  expect(second["prepay_id"]).toMatch(/^wx/);
  expect(second["prepay_id"]).not.toBe(first["prepay_id"]);
  expect(await orderDetails(NUMBER)).toMatchObject({ prepayCalls: 2, state: "NOTPAY" });
});

test("a repeated unifiedorder succeeds shortly before time_expire", async () => {
  const changes = { time_expire: "21000101121106" };
  await placeOrder(NUMBER, changes);
  advanceClock(4 * 60_000);
  expect(await placeOrder(NUMBER, changes)).toMatchObject({ result_code: "SUCCESS" });
});

test.each([
  { total_fee: "101" },
  { body: "another" },
  { openid: "another" },
  { attach: "added" },
  { notify_url: "https://merchant.test/other" },
  { spbill_create_ip: "123.12.12.124" },
  { time_expire: "21000102000000" },
  { appid: SECOND_APP_ID },
  { sign_type: "HMAC-SHA256" },
])("a repeated unifiedorder fails with another parameter: %j", async (changes) => {
  await placeOrder(NUMBER);
  const response = await placeOrder(NUMBER, changes);
  expect(response).toMatchObject({ result_code: "FAIL", err_code: "INVALID_REQUEST" });
  expect(await orderDetails(NUMBER)).toMatchObject({ prepayCalls: 1, totalFee: 100 });
});

test("a repeated unifiedorder fails with ORDERPAID for a paid and a refunded order", async () => {
  await placePaidOrder(NUMBER);
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
  await requestRefund(NUMBER, "REFUND1");
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
});

test("a repeated unifiedorder fails with ORDERCLOSED for a closed order", async () => {
  await placeOrder(NUMBER);
  advanceClock(5 * 60_000);
  await closeOrder(NUMBER);
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "ORDERCLOSED" });
});

test("two merchants can use the same out_trade_no for orders of their own", async () => {
  const apiKey = "sandbox0api0key0of0thirtytwo0chr";
  await control("POST", "/merchants", { mchId: "1900000110", apiKey, appIds: [SECOND_APP_ID] });
  await placeOrder(NUMBER);
  const other = { mch_id: "1900000110", appid: SECOND_APP_ID };
  const query = { ...orderParams(NUMBER), ...other };
  const absent = await call("/pay/orderquery", {
    appid: query.appid,
    mch_id: query.mch_id,
    nonce_str: "n",
    out_trade_no: NUMBER,
  });
  expect(absent).toMatchObject({ err_code: "ORDERNOTEXIST" });
  const response = await placeOrder(NUMBER, { ...other, total_fee: "200" });
  expect(response).toMatchObject({ result_code: "SUCCESS", mch_id: "1900000110" });
  expect(await queryOrder(NUMBER)).toMatchObject({ total_fee: "100" });
});
