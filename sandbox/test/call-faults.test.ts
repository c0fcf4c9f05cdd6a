import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { COMMON_CALLS } from "../src/ledger/fault-names.ts";
import { writeXml } from "../src/v2/xml.ts";
import {
  call,
  commonParams,
  control,
  fieldsOf,
  orderDetails,
  orderParams,
  placeOrder,
  placePaidOrder,
  queryOrder,
  refundParams,
  requestRefund,
  resetSandbox,
  send,
  signed,
  state,
  verifiedFields,
  type Params,
} from "./helpers.ts";

const NUMBER = "FAULTY000001";

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const armCallFault = async (fault: string, more: object = {}): Promise<void> => {
  const body = { on: "call", path: "unifiedorder", fault, ...more };
  expect((await control("POST", "/faults", body)).status).toBe(201);
};

const sendOrder = async (): Promise<Response> =>
  await send("/pay/unifiedorder", writeXml(Object.entries(signed(orderParams(NUMBER)))));

const orderExists = async (): Promise<boolean> => (await state()).orders.length > 0;

describe.each([
  ["no-answer", false],
  ["no-answer-after", true],
])("call fault %s", (fault, executes) => {
  test("responds after a minute, with a pending timer", async () => {
    const waits: (number | undefined)[] = [];
    vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
      waits.push(ms);
      await Promise.resolve();
    });
    await armCallFault(fault);
    expect((await sendOrder()).status).toBe(504);
    expect(waits).toEqual([60_000]);
    expect(await orderExists()).toBe(executes);
  });
});

describe.each([
  ["drop-before", false],
  ["drop-after", true],
])("call fault %s", (fault, executes) => {
  test("breaks the connection in the middle of the response", async () => {
    await armCallFault(fault);
    const response = await sendOrder();
    await expect(response.text()).rejects.toThrow("the connection is lost");
    expect(await orderExists()).toBe(executes);
  });
});

test.each([
  ["http-500", false],
  ["http-500-after", true],
])("call fault %s responds with an HTML page", async (fault, executes) => {
  await armCallFault(fault);
  const response = await sendOrder();
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("500 Internal Server Error");
  expect(await orderExists()).toBe(executes);
});

test.each([
  ["systemerror", false],
  ["systemerror-after", true],
])("call fault %s responds with a signed failure", async (fault, executes) => {
  await armCallFault(fault);
  const response = verifiedFields(await (await sendOrder()).text());
  expect(response).toMatchObject({ result_code: "FAIL", err_code: "SYSTEMERROR" });
  expect(await orderExists()).toBe(executes);
});

test("call fault systemerror-after can have another err_code", async () => {
  await armCallFault("systemerror-after", { errCode: "BIZERR_NEED_RETRY" });
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "BIZERR_NEED_RETRY" });
  expect(await orderExists()).toBe(true);
});

test("call fault wrong-signature makes only the sign wrong", async () => {
  await armCallFault("wrong-signature");
  const xml = await (await sendOrder()).text();
  const { sign, prepay_id: prepayId } = fieldsOf(xml);
  expect(prepayId).toMatch(/^wx/);
  expect(sign).toMatch(/^[0-9A-F]{32}$/);
  expect(() => verifiedFields(xml)).toThrow();
  expect(await orderExists()).toBe(true);
});

test("call fault html-page responds with an HTML page and status 200", async () => {
  await armCallFault("html-page");
  const response = await sendOrder();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html");
  expect(await response.text()).toMatch(/^<html>/);
  expect(await orderExists()).toBe(false);
});

test("call fault slow delays a correct response", async () => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await armCallFault("slow");
  await armCallFault("slow", { delayMs: 7 });
  for (let count = 0; count < 2; count++) {
    expect(await placeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
  }
  expect(wait.mock.calls).toEqual([[3000], [7]]);
});

test("call fault refuse responds with a signed failure of the given code", async () => {
  await armCallFault("refuse", { errCode: "NOTENOUGH" });
  await armCallFault("refuse", { errCode: "ORDERPAID", errCodeDes: "该订单已支付" });
  const plain = await placeOrder(NUMBER);
  expect(plain).toMatchObject({ err_code: "NOTENOUGH", err_code_des: "NOTENOUGH" });
  const described = await placeOrder(NUMBER);
  expect(described).toMatchObject({ err_code: "ORDERPAID", err_code_des: "该订单已支付" });
  expect(await orderExists()).toBe(false);
});

test("a call fault applies as often as armed, oldest first, and is listed until then", async () => {
  await armCallFault("systemerror", { times: 2 });
  await armCallFault("refuse", { errCode: "NOAUTH" });
  const codes: (string | undefined)[] = [];
  for (let count = 0; count < 4; count++) codes.push((await placeOrder(NUMBER))["err_code"]);
  expect(codes).toEqual(["SYSTEMERROR", "SYSTEMERROR", "NOAUTH", undefined]);

  await armCallFault("slow", { times: 5, outTradeNo: NUMBER, delayMs: 1 });
  expect((await state()).faults).toEqual([
    {
      id: expect.any(Number),
      on: "call",
      path: "unifiedorder",
      fault: "slow",
      times: 5,
      outTradeNo: NUMBER,
      delayMs: 1,
    },
  ]);
  expect(await control("DELETE", "/faults")).toMatchObject({ status: 200, json: { faults: [] } });
  expect((await state()).faults).toEqual([]);
});

test("a call fault with outTradeNo applies to that order only", async () => {
  await armCallFault("systemerror", { outTradeNo: NUMBER });
  expect(await placeOrder("OTHER0000001")).toMatchObject({ result_code: "SUCCESS" });
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "SYSTEMERROR" });
});

test("a call fault with outTradeNo matches a call by any of its numbers", async () => {
  await placePaidOrder(NUMBER);
  const { refund_id: refundId = "" } = await requestRefund(NUMBER, "R1");
  const { transaction_id: transactionId = "" } = await queryOrder(NUMBER);
  await armCallFault("systemerror", { path: "refundquery", times: 3, outTradeNo: NUMBER });
  const keys: Params[] = [
    { refund_id: refundId },
    { out_refund_no: "R1" },
    { transaction_id: transactionId },
  ];
  for (const key of keys) {
    const response = await call("/pay/refundquery", commonParams(key));
    expect(response).toMatchObject({ err_code: "SYSTEMERROR" });
  }
});

test("a call fault applies to valid calls only", async () => {
  await armCallFault("systemerror");
  expect(await placeOrder(NUMBER, { total_fee: "0" })).toMatchObject({ err_code: "PARAM_ERROR" });
  expect((await state()).faults).toHaveLength(1);
});

test("a call fault applies to each of the five calls", async () => {
  await placePaidOrder(NUMBER);
  const calls: Record<(typeof COMMON_CALLS)[number], [string, Params]> = {
    unifiedorder: ["/pay/unifiedorder", orderParams(NUMBER)],
    orderquery: ["/pay/orderquery", commonParams({ out_trade_no: NUMBER })],
    closeorder: ["/pay/closeorder", commonParams({ out_trade_no: NUMBER })],
    refund: ["/secapi/pay/refund", refundParams(NUMBER, "R1")],
    refundquery: ["/pay/refundquery", commonParams({ out_trade_no: NUMBER })],
  };
  for (const path of COMMON_CALLS) {
    await armCallFault("systemerror", { path });
    expect(await call(...calls[path])).toMatchObject({ err_code: "SYSTEMERROR" });
  }
  expect((await orderDetails(NUMBER)).refunds).toEqual([]);
  const outcomes = (await state()).calls.slice(0, 5).map((it) => it.outcome);
  expect(new Set(outcomes)).toEqual(new Set(["not done (fault: systemerror)"]));
});

test.each([
  ["wrong-amount", { total_fee: "101", cash_fee: "101" }],
  ["wrong-merchant", { mch_id: "1999999999" }],
  ["wrong-app", { appid: "wx00000000000000ff" }],
])("call fault %s changes the response, with a valid sign", async (fault, wrong) => {
  await placePaidOrder(NUMBER);
  await armCallFault(fault, { path: "orderquery" });
  expect(await queryOrder(NUMBER)).toMatchObject(wrong);
});

test("call fault unsigned omits the sign only", async () => {
  await armCallFault("unsigned");
  const response = fieldsOf(await (await sendOrder()).text());
  expect(response).toMatchObject({ result_code: "SUCCESS", prepay_id: expect.any(String) });
  expect(response).not.toHaveProperty("sign");
  expect(await orderExists()).toBe(true);
});
