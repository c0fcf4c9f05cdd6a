import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  advanceClock,
  call,
  commonParams,
  control,
  decryptReqInfo,
  fieldsOf,
  MCH_ID,
  mockMerchant,
  orderDetails,
  orderParams,
  placeOrder,
  placePaidOrder,
  queryOrder,
  refundParams,
  requestRefund,
  resetSandbox,
  runAlarm,
} from "./helpers.ts";
import {
  callV3,
  closeOrderV3,
  eventOf,
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  queryRefundV3,
  requestRefundV3,
} from "./v3-helpers.ts";

const NUMBER = "BOTHSPEAK001";
const MINUTE = 60_000;

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

test("an APIv2 order can be queried and refunded in APIv3", async () => {
  await placePaidOrder(NUMBER, { attach: "a" });
  const { json } = await queryOrderV3(NUMBER);
  expect(json).toMatchObject({ trade_state: "SUCCESS", attach: "a", amount: { total: 100 } });
  const id = String(json["transaction_id"]);
  const byId = await callV3("GET", `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`);
  expect(byId.json).toEqual(json);
  expect((await requestRefundV3(NUMBER, "R1")).status).toBe(200);
  expect((await queryRefundV3("R1")).json).toMatchObject({ status: "PROCESSING" });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND" });
});

test("an APIv3 order can be queried and refunded in APIv2", async () => {
  await placePaidOrderV3(NUMBER, { attach: "a" });
  const paid = await queryOrder(NUMBER);
  expect(paid).toMatchObject({ trade_state: "SUCCESS", attach: "a", total_fee: "100" });
  expect(await requestRefund(NUMBER, "R1")).toMatchObject({ result_code: "SUCCESS" });
  const response = await call("/pay/refundquery", commonParams({ out_refund_no: "R1" }));
  expect(response).toMatchObject({ refund_status_0: "PROCESSING", refund_fee_0: "40" });
});

test("either protocol can close the other's order", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrder(NUMBER);
  expect((await closeOrderV3(NUMBER)).status).toBe(204);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "CLOSED" });
  await placeOrderV3("BOTHSPEAK002");
  const params = commonParams({ out_trade_no: "BOTHSPEAK002" });
  expect(await call("/pay/closeorder", params)).toMatchObject({ result_code: "SUCCESS" });
  expect((await queryOrderV3("BOTHSPEAK002")).json).toMatchObject({ trade_state: "CLOSED" });
});

test("an out_trade_no can't be ordered again in the other protocol", async () => {
  await placeOrder(NUMBER);
  expect(await placeOrderV3(NUMBER)).toMatchObject({
    status: 400,
    json: { code: "INVALID_REQUEST" },
  });
  await placeOrderV3("BOTHSPEAK002");
  const response = await call("/pay/unifiedorder", orderParams("BOTHSPEAK002"));
  expect(response).toMatchObject({ err_code: "INVALID_REQUEST" });
});

test("an out_refund_no can't be repeated in the other protocol", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  advanceClock(MINUTE);
  expect(await requestRefundV3(NUMBER, "R1")).toMatchObject({
    status: 400,
    json: { code: "INVALID_REQUEST" },
  });
  await requestRefundV3(NUMBER, "R2");
  const response = await call("/secapi/pay/refund", refundParams(NUMBER, "R2"));
  expect(response).toMatchObject({ err_code: "INVALID_REQUEST" });
  expect(await orderDetails(NUMBER)).toMatchObject({ refundedFee: 80, refunds: [{}, {}] });
});

test("the refunds of both protocols count towards the limit", async () => {
  await control("PATCH", "/settings", { refundSpacingMs: 0 });
  await placePaidOrderV3(NUMBER);
  await requestRefund(NUMBER, "R1", { refund_fee: "60" });
  const amount = { refund: 41, total: 100, currency: "CNY" };
  expect(await requestRefundV3(NUMBER, "R2", { amount })).toMatchObject({ status: 400 });
  expect((await requestRefundV3(NUMBER, "R2")).status).toBe(200);
});

test("a notification has the protocol of its order or refund", async () => {
  const posts = mockMerchant();
  await placeOrder(NUMBER);
  await placeOrderV3("BOTHSPEAK002");
  for (const number of [NUMBER, "BOTHSPEAK002"]) await control("POST", `/orders/${number}/pay`);
  await runAlarm();
  expect(fieldsOf(posts[0]?.body ?? "")).toMatchObject({ out_trade_no: NUMBER });
  expect(eventOf(posts[1]).resource).toMatchObject({ out_trade_no: "BOTHSPEAK002" });

  // The refunds use the other protocol.
  await requestRefundV3(NUMBER, "R1");
  await requestRefund("BOTHSPEAK002", "R2");
  for (const refund of ["R1", "R2"]) {
    await control("POST", `/refunds/${refund}/outcome`, { status: "SUCCESS" });
  }
  await runAlarm();
  expect(eventOf(posts[2]).resource).toMatchObject({ out_refund_no: "R1" });
  expect(decryptReqInfo(posts[3]?.body)).toMatchObject({ out_refund_no: "R2" });
});
