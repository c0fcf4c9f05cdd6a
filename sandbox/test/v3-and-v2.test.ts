import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  call,
  common,
  control,
  details,
  fieldsOf,
  freshSandbox,
  MCH_ID,
  merchant,
  orderParams,
  pass,
  placeOrder,
  placePaidOrder,
  queryOrder,
  refundParams,
  reqInfo,
  requestRefund,
  runAlarm,
} from "./helpers.ts";
import {
  call3,
  closeOrder3,
  eventOf,
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  queryRefund3,
  requestRefund3,
} from "./v3-helpers.ts";

const NUMBER = "BOTHSPEAK001";
const MINUTE = 60_000;

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

test("an order of APIv2 can be queried, refunded and its refund queried in APIv3", async () => {
  await placePaidOrder(NUMBER, { attach: "a" });
  const { json } = await queryOrder3(NUMBER);
  expect(json).toMatchObject({ trade_state: "SUCCESS", attach: "a", amount: { total: 100 } });
  const id = String(json["transaction_id"]);
  const byId = await call3("GET", `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`);
  expect(byId.json).toEqual(json);
  expect((await requestRefund3(NUMBER, "R1")).status).toBe(200);
  expect((await queryRefund3("R1")).json).toMatchObject({ status: "PROCESSING" });
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "REFUND" });
});

test("an order of APIv3 can be queried, refunded and its refund queried in APIv2", async () => {
  await placePaidOrder3(NUMBER, { attach: "a" });
  const paid = await queryOrder(NUMBER);
  expect(paid).toMatchObject({ trade_state: "SUCCESS", attach: "a", total_fee: "100" });
  expect(await requestRefund(NUMBER, "R1")).toMatchObject({ result_code: "SUCCESS" });
  const answer = await call("/pay/refundquery", common({ out_refund_no: "R1" }));
  expect(answer).toMatchObject({ refund_status_0: "PROCESSING", refund_fee_0: "40" });
});

test("either protocol closes the other's order", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrder(NUMBER);
  expect((await closeOrder3(NUMBER)).status).toBe(204);
  expect(await queryOrder(NUMBER)).toMatchObject({ trade_state: "CLOSED" });
  await placeOrder3("BOTHSPEAK002");
  const params = common({ out_trade_no: "BOTHSPEAK002" });
  expect(await call("/pay/closeorder", params)).toMatchObject({ result_code: "SUCCESS" });
  expect((await queryOrder3("BOTHSPEAK002")).json).toMatchObject({ trade_state: "CLOSED" });
});

test("an order's number is one in both, and is not ordered again in the other", async () => {
  await placeOrder(NUMBER);
  expect(await placeOrder3(NUMBER)).toMatchObject({
    status: 400,
    json: { code: "INVALID_REQUEST" },
  });
  await placeOrder3("BOTHSPEAK002");
  const answer = await call("/pay/unifiedorder", orderParams("BOTHSPEAK002"));
  expect(answer).toMatchObject({ err_code: "INVALID_REQUEST" });
});

test("a refund's number is one in both: a repeat in the other pays nothing twice", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  pass(MINUTE);
  expect(await requestRefund3(NUMBER, "R1")).toMatchObject({
    status: 400,
    json: { code: "INVALID_REQUEST" },
  });
  await requestRefund3(NUMBER, "R2");
  const answer = await call("/secapi/pay/refund", refundParams(NUMBER, "R2"));
  expect(answer).toMatchObject({ err_code: "INVALID_REQUEST" });
  expect(await details(NUMBER)).toMatchObject({ refundedFee: 80, refunds: [{}, {}] });
});

test("the sum of refunds counts both", async () => {
  await control("PATCH", "/settings", { refundSpacingMs: 0 });
  await placePaidOrder3(NUMBER);
  await requestRefund(NUMBER, "R1", { refund_fee: "60" });
  const amount = { refund: 41, total: 100, currency: "CNY" };
  expect(await requestRefund3(NUMBER, "R2", { amount })).toMatchObject({ status: 400 });
  expect((await requestRefund3(NUMBER, "R2")).status).toBe(200);
});

test("a notification speaks the protocol of what it is about", async () => {
  const posts = merchant();
  await placeOrder(NUMBER);
  await placeOrder3("BOTHSPEAK002");
  for (const number of [NUMBER, "BOTHSPEAK002"]) await control("POST", `/orders/${number}/pay`);
  await runAlarm();
  expect(fieldsOf(posts[0]?.body ?? "")).toMatchObject({ out_trade_no: NUMBER });
  expect(eventOf(posts[1]).resource).toMatchObject({ out_trade_no: "BOTHSPEAK002" });

  // The refunds are the other way round.
  await requestRefund3(NUMBER, "R1");
  await requestRefund("BOTHSPEAK002", "R2");
  for (const refund of ["R1", "R2"]) {
    await control("POST", `/refunds/${refund}/outcome`, { status: "SUCCESS" });
  }
  await runAlarm();
  expect(eventOf(posts[2]).resource).toMatchObject({ out_refund_no: "R1" });
  expect(reqInfo(posts[3]?.body)).toMatchObject({ out_refund_no: "R2" });
});
