import { beforeEach, expect, test } from "vitest";
import {
  closeOrder,
  control,
  freshSandbox,
  pass,
  placeOrder,
  placePaidOrder,
  queryOrder,
  requestRefund,
} from "./helpers.ts";

const NUMBER = "CLOSE0000001";
const FIVE_MINUTES = 5 * 60_000;

beforeEach(freshSandbox);

test("an order can't be closed in its first five minutes", async () => {
  await placeOrder(NUMBER);
  pass(FIVE_MINUTES - 1);
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "TRADE_STATE_ERROR" });
  pass(1);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS", result_msg: "OK" });
  const answer = await queryOrder(NUMBER);
  expect(answer).toMatchObject({ trade_state: "CLOSED", trade_state_desc: "订单已关闭" });
});

test("the five minutes can be shortened", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrder(NUMBER);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
});

test("closing a closed order is fine", async () => {
  await placeOrder(NUMBER);
  await control("POST", `/orders/${NUMBER}/close`);
  expect(await closeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
});

test("a paid order can't be closed, nor a refunded one", async () => {
  await placePaidOrder(NUMBER);
  pass(FIVE_MINUTES);
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
  await requestRefund(NUMBER, "REFUND1");
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERPAID" });
});

test("an absent order is ORDERNOTEXIST", async () => {
  expect(await closeOrder(NUMBER)).toMatchObject({ err_code: "ORDERNOTEXIST" });
});
