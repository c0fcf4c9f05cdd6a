import { beforeEach, expect, test } from "vitest";
import {
  advanceClock,
  closeOrder,
  control,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
  resetSandbox,
} from "./helpers.ts";

const NUMBER = "CLOSE0000001";
const FIVE_MINUTES = 5 * 60_000;

beforeEach(resetSandbox);

test("closeorder fails with TRADE_STATE_ERROR in the first five minutes", async () => {
  await placeOrder(NUMBER);
  advanceClock(FIVE_MINUTES - 1);
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "TRADE_STATE_ERROR" });
  advanceClock(1);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS", result_msg: "OK" });
  const response = await queryOrder(NUMBER);
  expect(response).toMatchObject({ trade_state: "CLOSED", trade_state_desc: "订单已关闭" });
});

test("closeAfterMs shortens the minimum age for closeorder", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrder(NUMBER);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
});

test("closeorder succeeds for a closed order", async () => {
  await placeOrder(NUMBER);
  await control("POST", `/orders/${NUMBER}/close`);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
});

test("closeorder fails with ORDERPAID for a paid and a refunded order", async () => {
  await placePaidOrder(NUMBER);
  advanceClock(FIVE_MINUTES);
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
  await requestRefund(NUMBER, "REFUND1");
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
});

test("closeorder fails with ORDERNOTEXIST for an unknown order", async () => {
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});
