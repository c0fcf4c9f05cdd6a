import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { control, details, freshSandbox, MCH_ID, placeOrder, state } from "./helpers.ts";
import {
  arm,
  call3,
  closeOrder3,
  FIRST,
  orderBody,
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  queryRefund3,
  requestRefund3,
  send3,
  wellSigned,
  type Json,
  type Reply3,
} from "./v3-helpers.ts";

const NUMBER = "FAULTY300001";
const JSAPI = "/v3/pay/transactions/jsapi";
const QUERY = `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=${MCH_ID}`;

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const armCall = async (fault: string, more: Json = {}): Promise<void> => {
  await arm({ on: "call", path: "unifiedorder", fault, ...more });
};
const order = async (): Promise<Reply3> => await send3("POST", JSAPI, orderBody(NUMBER));
const query = async (): Promise<Reply3> => await send3("GET", QUERY);
const made = async (): Promise<boolean> => (await state()).orders.length > 0;

test.each([
  ["no-answer", false],
  ["no-answer-after", true],
])("%s hangs for a minute", async (fault, acts) => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await armCall(fault);
  expect((await order()).status).toBe(504);
  expect(wait).toHaveBeenCalledWith(60_000);
  expect(await made()).toBe(acts);
});

test.each([
  ["drop-before", false],
  ["drop-after", true],
])("%s breaks off in the middle", async (fault, acts) => {
  await armCall(fault);
  await expect(order()).rejects.toThrow("the connection is lost");
  expect(await made()).toBe(acts);
});

test.each([
  ["http-500", 500, false],
  ["http-500-after", 500, true],
  ["html-page", 200, false],
])("%s is a page of a server in front, %d", async (fault, status, acts) => {
  await armCall(fault);
  const reply = await order();
  expect(reply.status).toBe(status);
  expect(reply.text).toMatch(/^<html>/);
  expect(reply.headers.get("wechatpay-signature")).toBeNull();
  expect(await made()).toBe(acts);
});

test.each([
  ["systemerror", false],
  ["systemerror-after", true],
])("%s is a 500, unsigned", async (fault, acts) => {
  await armCall(fault);
  expect(await placeOrder3(NUMBER)).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
  expect(await made()).toBe(acts);
});

test.each([
  ["NOT_ENOUGH", 403],
  ["NOTENOUGH", 403],
  ["ORDERPAID", 400],
  ["ORDERNOTEXIST", 404],
  ["FREQUENCY_LIMITED", 429],
  ["BANKERROR", 500],
  ["NEVER_HEARD_OF", 400],
])("refuse with %s is a %d of that spelling", async (errCode, status) => {
  await armCall("refuse", { errCode, errCodeDes: "原因" });
  const reply = await placeOrder3(NUMBER);
  expect(reply).toMatchObject({ status, json: { code: errCode, message: "原因" } });
  expect(await made()).toBe(false);
});

test("refuse can have another status", async () => {
  await armCall("refuse", { errCode: "ORDER_PAID", httpStatus: 403 });
  await armCall("systemerror-after", { errCode: "NEVER_HEARD_OF", httpStatus: 502 });
  expect((await placeOrder3(NUMBER)).status).toBe(403);
  expect((await placeOrder3(NUMBER)).status).toBe(502);
  expect(await made()).toBe(true);
});

test("slow is a right answer that takes its time", async () => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await armCall("slow", { delayMs: 7 });
  expect((await placeOrder3(NUMBER)).status).toBe(200);
  expect(wait).toHaveBeenCalledWith(7);
});

const headersOf = async (fault: string, more: Json = {}): Promise<Headers> => {
  await armCall(fault, more);
  const { status, headers, text, json } = await order();
  expect(status).toBe(200);
  expect(json["prepay_id"]).toMatch(/^wx/);
  expect(wellSigned(headers, text)).toBe(false);
  expect(await made()).toBe(true);
  return headers;
};

describe("a right answer, done, that is signed wrongly:", () => {
  test("wrong-signature, by another key", async () => {
    expect((await headersOf("wrong-signature")).get("wechatpay-serial")).toBe(FIRST);
  });

  test("other-body", async () => {
    expect((await headersOf("other-body")).get("wechatpay-serial")).toBe(FIRST);
  });

  test("wrong-clock, 301 s late and signed so", async () => {
    const at = Number((await headersOf("wrong-clock")).get("wechatpay-timestamp"));
    expect(Math.floor(Date.now() / 1000) - at).toBe(301);
  });

  test("unknown-serial", async () => {
    expect((await headersOf("unknown-serial")).get("wechatpay-serial")).toMatch(/^5A4DB0FF0+$/);
  });

  test("probe", async () => {
    const signature = (await headersOf("probe")).get("wechatpay-signature");
    expect(signature).toMatch(/^WECHATPAY\/SIGNTEST\//);
  });

  test("unsigned", async () => {
    expect([...(await headersOf("unsigned")).keys()].join()).not.toContain("wechatpay-");
  });

  test.each([
    [{}, "Wechatpay-Nonce"],
    [{ header: "Wechatpay-Timestamp" }, "Wechatpay-Timestamp"],
    [{ header: "Wechatpay-Signature" }, "Wechatpay-Signature"],
    [{ header: "Wechatpay-Serial" }, "Wechatpay-Serial"],
  ])("missing-header %j", async (more, header) => {
    const headers = await headersOf("missing-header", more);
    expect(headers.get(header)).toBeNull();
    expect([...headers.keys()].filter((name) => name.startsWith("wechatpay-"))).toHaveLength(4);
  });
});

test("a 204 can be signed wrongly too", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrder3(NUMBER);
  await armCall("wrong-signature", { path: "closeorder" });
  const target = `/v3/pay/transactions/out-trade-no/${NUMBER}/close`;
  const reply = await send3("POST", target, { mchid: MCH_ID });
  expect(reply.status).toBe(204);
  expect(wellSigned(reply.headers, "")).toBe(false);
});

test.each([
  ["wrong-amount", { amount: { total: 101, payer_total: 101 } }],
  ["wrong-merchant", { mchid: "1999999999" }],
  ["wrong-app", { appid: "wx00000000000000ff" }],
])("%s is well signed, and wrong", async (fault, wrong) => {
  await placePaidOrder3(NUMBER);
  await armCall(fault, { path: "orderquery" });
  const reply = await query();
  expect(wellSigned(reply.headers, reply.text)).toBe(true);
  expect(reply.json).toMatchObject(wrong);
  expect((await queryOrder3(NUMBER)).json).toMatchObject({ mchid: MCH_ID, amount: { total: 100 } });
});

test("wrong-amount of a refund is in the refund's amount", async () => {
  await placePaidOrder3(NUMBER);
  await armCall("wrong-amount", { path: "refund" });
  const { json } = await requestRefund3(NUMBER, "R1");
  expect(json).toMatchObject({ amount: { refund: 41, payer_refund: 41, total: 100 } });
});

test("each of the calls can fail, by the names that APIv2 has for them", async () => {
  await placePaidOrder3(NUMBER);
  const calls: Record<string, () => Promise<Reply3>> = {
    unifiedorder: async () => await placeOrder3(NUMBER),
    orderquery: async () => await queryOrder3(NUMBER),
    closeorder: async () => await closeOrder3(NUMBER),
    refund: async () => await requestRefund3(NUMBER, "R1"),
    refundquery: async () => await queryRefund3("R1"),
    certificates: async () => await call3("GET", "/v3/certificates"),
  };
  for (const [path, call] of Object.entries(calls)) {
    await arm({ on: "call", path, fault: "systemerror" });
    expect(await call()).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
  }
  expect((await details(NUMBER)).refunds).toEqual([]);
});

test("a fault finds its order however the call names it", async () => {
  await placePaidOrder3(NUMBER);
  const { json } = await requestRefund3(NUMBER, "R1");
  const id = String(json["transaction_id"]);
  await arm({ on: "call", path: "orderquery", fault: "systemerror", outTradeNo: NUMBER });
  await arm({ on: "call", path: "refundquery", fault: "systemerror", outTradeNo: NUMBER });
  const byId = `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`;
  expect((await call3("GET", byId)).status).toBe(500);
  expect((await queryRefund3("R1")).status).toBe(500);
});

test("a fault waits for a call that is in order as such", async () => {
  await armCall("systemerror");
  expect((await placeOrder3(NUMBER, { attach: null })).status).toBe(400);
  await send3("POST", JSAPI, orderBody(NUMBER), { signature: "AAAA" });
  expect((await state()).faults).toHaveLength(1);
});

test("a fault that only APIv3 can have leaves APIv2 alone", async () => {
  await armCall("probe");
  expect(await placeOrder("FAULTY200001")).toMatchObject({ result_code: "SUCCESS" });
  expect((await state()).faults).toHaveLength(1);
  expect((await order()).headers.get("wechatpay-signature")).toMatch(/^WECHATPAY/);
});
