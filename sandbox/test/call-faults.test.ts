import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { COMMON_CALLS } from "../src/ledger/fault-names.ts";
import { writeXml } from "../src/v2/xml.ts";
import {
  call,
  checkedFields,
  common,
  control,
  details,
  fieldsOf,
  freshSandbox,
  orderParams,
  placeOrder,
  placePaidOrder,
  queryOrder,
  refundParams,
  requestRefund,
  send,
  signed,
  state,
  type Params,
} from "./helpers.ts";

const NUMBER = "FAULTY000001";

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const arm = async (fault: string, more: object = {}): Promise<void> => {
  const body = { on: "call", path: "unifiedorder", fault, ...more };
  expect((await control("POST", "/faults", body)).status).toBe(201);
};

const sendOrder = async (): Promise<Response> =>
  await send("/pay/unifiedorder", writeXml(Object.entries(signed(orderParams(NUMBER)))));

const made = async (): Promise<boolean> => (await state()).orders.length > 0;

describe.each([
  ["no-answer", false],
  ["no-answer-after", true],
])("%s", (fault, acts) => {
  test("hangs for a minute with a timer pending", async () => {
    const waits: (number | undefined)[] = [];
    vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
      waits.push(ms);
      await Promise.resolve();
    });
    await arm(fault);
    expect((await sendOrder()).status).toBe(504);
    expect(waits).toEqual([60_000]);
    expect(await made()).toBe(acts);
  });
});

describe.each([
  ["drop-before", false],
  ["drop-after", true],
])("%s", (fault, acts) => {
  test("breaks off in the middle of the answer", async () => {
    await arm(fault);
    const response = await sendOrder();
    await expect(response.text()).rejects.toThrow("the connection is lost");
    expect(await made()).toBe(acts);
  });
});

test.each([
  ["http-500", false],
  ["http-500-after", true],
])("%s is a page of a server in front", async (fault, acts) => {
  await arm(fault);
  const response = await sendOrder();
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("500 Internal Server Error");
  expect(await made()).toBe(acts);
});

test.each([
  ["systemerror", false],
  ["systemerror-after", true],
])("%s is a signed failure", async (fault, acts) => {
  await arm(fault);
  const answer = checkedFields(await (await sendOrder()).text());
  expect(answer).toMatchObject({ result_code: "FAIL", err_code: "SYSTEMERROR" });
  expect(await made()).toBe(acts);
});

test("systemerror-after can have another code", async () => {
  await arm("systemerror-after", { errCode: "BIZERR_NEED_RETRY" });
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "BIZERR_NEED_RETRY" });
  expect(await made()).toBe(true);
});

test("wrong-signature is a right answer with a wrong sign", async () => {
  await arm("wrong-signature");
  const xml = await (await sendOrder()).text();
  const { sign, prepay_id: prepayId } = fieldsOf(xml);
  expect(prepayId).toMatch(/^wx/);
  expect(sign).toMatch(/^[0-9A-F]{32}$/);
  expect(() => checkedFields(xml)).toThrow();
  expect(await made()).toBe(true);
});

test("html-page is a page with status 200", async () => {
  await arm("html-page");
  const response = await sendOrder();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html");
  expect(await response.text()).toMatch(/^<html>/);
  expect(await made()).toBe(false);
});

test("slow is a right answer that takes its time", async () => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await arm("slow");
  await arm("slow", { delayMs: 7 });
  for (let count = 0; count < 2; count++) {
    expect(await placeOrder(NUMBER)).toMatchObject({ result_code: "SUCCESS" });
  }
  expect(wait.mock.calls).toEqual([[3000], [7]]);
});

test("refuse is a signed failure of the code that is asked for", async () => {
  await arm("refuse", { errCode: "NOTENOUGH" });
  await arm("refuse", { errCode: "ORDERPAID", errCodeDes: "该订单已支付" });
  const plain = await placeOrder(NUMBER);
  expect(plain).toMatchObject({ err_code: "NOTENOUGH", err_code_des: "NOTENOUGH" });
  const told = await placeOrder(NUMBER);
  expect(told).toMatchObject({ err_code: "ORDERPAID", err_code_des: "该订单已支付" });
  expect(await made()).toBe(false);
});

test("a fault strikes as often as it says, the oldest first, and is shown until then", async () => {
  await arm("systemerror", { times: 2 });
  await arm("refuse", { errCode: "NOAUTH" });
  const codes: (string | undefined)[] = [];
  for (let count = 0; count < 4; count++) codes.push((await placeOrder(NUMBER))["err_code"]);
  expect(codes).toEqual(["SYSTEMERROR", "SYSTEMERROR", "NOAUTH", undefined]);

  await arm("slow", { times: 5, outTradeNo: NUMBER, delayMs: 1 });
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

test("a fault for one order leaves the others alone", async () => {
  await arm("systemerror", { outTradeNo: NUMBER });
  expect(await placeOrder("OTHER0000001")).toMatchObject({ result_code: "SUCCESS" });
  expect(await placeOrder(NUMBER)).toMatchObject({ err_code: "SYSTEMERROR" });
});

test("a fault finds its order however the call names it", async () => {
  await placePaidOrder(NUMBER);
  const { refund_id: refundId = "" } = await requestRefund(NUMBER, "R1");
  const { transaction_id: transactionId = "" } = await queryOrder(NUMBER);
  await arm("systemerror", { path: "refundquery", times: 3, outTradeNo: NUMBER });
  const keys: Params[] = [
    { refund_id: refundId },
    { out_refund_no: "R1" },
    { transaction_id: transactionId },
  ];
  for (const key of keys) {
    const answer = await call("/pay/refundquery", common(key));
    expect(answer).toMatchObject({ err_code: "SYSTEMERROR" });
  }
});

test("a fault waits for a call that is in order as such", async () => {
  await arm("systemerror");
  expect(await placeOrder(NUMBER, { total_fee: "0" })).toMatchObject({ err_code: "PARAM_ERROR" });
  expect((await state()).faults).toHaveLength(1);
});

test("each of the five calls can fail", async () => {
  await placePaidOrder(NUMBER);
  const calls: Record<(typeof COMMON_CALLS)[number], [string, Params]> = {
    unifiedorder: ["/pay/unifiedorder", orderParams(NUMBER)],
    orderquery: ["/pay/orderquery", common({ out_trade_no: NUMBER })],
    closeorder: ["/pay/closeorder", common({ out_trade_no: NUMBER })],
    refund: ["/secapi/pay/refund", refundParams(NUMBER, "R1")],
    refundquery: ["/pay/refundquery", common({ out_trade_no: NUMBER })],
  };
  for (const path of COMMON_CALLS) {
    await arm("systemerror", { path });
    expect(await call(...calls[path])).toMatchObject({ err_code: "SYSTEMERROR" });
  }
  expect((await details(NUMBER)).refunds).toEqual([]);
  const outcomes = (await state()).calls.slice(0, 5).map((it) => it.outcome);
  expect(new Set(outcomes)).toEqual(new Set(["not done (fault: systemerror)"]));
});

test.each([
  ["wrong-amount", { total_fee: "101", cash_fee: "101" }],
  ["wrong-merchant", { mch_id: "1999999999" }],
  ["wrong-app", { appid: "wx00000000000000ff" }],
])("%s is well signed, and wrong", async (fault, wrong) => {
  await placePaidOrder(NUMBER);
  await arm(fault, { path: "orderquery" });
  expect(await queryOrder(NUMBER)).toMatchObject(wrong);
});

test("unsigned is a right answer without a sign", async () => {
  await arm("unsigned");
  const answer = fieldsOf(await (await sendOrder()).text());
  expect(answer).toMatchObject({ result_code: "SUCCESS", prepay_id: expect.any(String) });
  expect(answer).not.toHaveProperty("sign");
  expect(await made()).toBe(true);
});
