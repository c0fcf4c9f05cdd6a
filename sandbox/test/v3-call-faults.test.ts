import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { control, MCH_ID, orderDetails, placeOrder, resetSandbox, state } from "./helpers.ts";
import {
  armFault,
  callV3,
  closeOrderV3,
  FIRST_SERIAL,
  hasValidSignature,
  orderBody,
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  queryRefundV3,
  requestRefundV3,
  sendV3,
  type Json,
  type V3Response,
} from "./v3-helpers.ts";

const NUMBER = "FAULTY300001";
const JSAPI = "/v3/pay/transactions/jsapi";
const QUERY = `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=${MCH_ID}`;

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const armCallFault = async (fault: string, more: Json = {}): Promise<void> => {
  await armFault({ on: "call", path: "unifiedorder", fault, ...more });
};
const sendOrder = async (): Promise<V3Response> => await sendV3("POST", JSAPI, orderBody(NUMBER));
const sendQuery = async (): Promise<V3Response> => await sendV3("GET", QUERY);
const orderExists = async (): Promise<boolean> => (await state()).orders.length > 0;

test.each([
  ["no-answer", false],
  ["no-answer-after", true],
])("call fault %s responds after a minute in APIv3", async (fault, executes) => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await armCallFault(fault);
  expect((await sendOrder()).status).toBe(504);
  expect(wait).toHaveBeenCalledWith(60_000);
  expect(await orderExists()).toBe(executes);
});

test.each([
  ["drop-before", false],
  ["drop-after", true],
])("call fault %s breaks the connection in APIv3", async (fault, executes) => {
  await armCallFault(fault);
  await expect(sendOrder()).rejects.toThrow("the connection is lost");
  expect(await orderExists()).toBe(executes);
});

test.each([
  ["http-500", 500, false],
  ["http-500-after", 500, true],
  ["html-page", 200, false],
])("call fault %s responds with an HTML page and %d in APIv3", async (fault, status, executes) => {
  await armCallFault(fault);
  const response = await sendOrder();
  expect(response.status).toBe(status);
  expect(response.text).toMatch(/^<html>/);
  expect(response.headers.get("wechatpay-signature")).toBeNull();
  expect(await orderExists()).toBe(executes);
});

test.each([
  ["systemerror", false],
  ["systemerror-after", true],
])("call fault %s responds with an unsigned 500 in APIv3", async (fault, executes) => {
  await armCallFault(fault);
  expect(await placeOrderV3(NUMBER)).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
  expect(await orderExists()).toBe(executes);
});

test.each([
  ["NOT_ENOUGH", 403],
  ["NOTENOUGH", 403],
  ["ORDERPAID", 400],
  ["ORDERNOTEXIST", 404],
  ["FREQUENCY_LIMITED", 429],
  ["BANKERROR", 500],
  ["NEVER_HEARD_OF", 400],
])("call fault refuse with %s responds with a %d and the same code", async (errCode, status) => {
  await armCallFault("refuse", { errCode, errCodeDes: "原因" });
  const response = await placeOrderV3(NUMBER);
  expect(response).toMatchObject({ status, json: { code: errCode, message: "原因" } });
  expect(await orderExists()).toBe(false);
});

test("call faults refuse and systemerror-after can have another HTTP status", async () => {
  await armCallFault("refuse", { errCode: "ORDER_PAID", httpStatus: 403 });
  await armCallFault("systemerror-after", { errCode: "NEVER_HEARD_OF", httpStatus: 502 });
  expect((await placeOrderV3(NUMBER)).status).toBe(403);
  expect((await placeOrderV3(NUMBER)).status).toBe(502);
  expect(await orderExists()).toBe(true);
});

test("call fault slow delays a correct response in APIv3", async () => {
  const wait = vi.spyOn(scheduler, "wait").mockResolvedValue();
  await armCallFault("slow", { delayMs: 7 });
  expect((await placeOrderV3(NUMBER)).status).toBe(200);
  expect(wait).toHaveBeenCalledWith(7);
});

const invalidlySignedHeaders = async (fault: string, more: Json = {}): Promise<Headers> => {
  await armCallFault(fault, more);
  const { status, headers, text, json } = await sendOrder();
  expect(status).toBe(200);
  expect(json["prepay_id"]).toMatch(/^wx/);
  expect(hasValidSignature(headers, text)).toBe(false);
  expect(await orderExists()).toBe(true);
  return headers;
};

describe("a call fault of the signature executes the call and", () => {
  test("wrong-signature: signs with another key", async () => {
    expect((await invalidlySignedHeaders("wrong-signature")).get("wechatpay-serial")).toBe(
      FIRST_SERIAL,
    );
  });

  test("other-body: signs another body", async () => {
    expect((await invalidlySignedHeaders("other-body")).get("wechatpay-serial")).toBe(FIRST_SERIAL);
  });

  test("wrong-clock: signs with a timestamp 301 s ago", async () => {
    const at = Number((await invalidlySignedHeaders("wrong-clock")).get("wechatpay-timestamp"));
    expect(Math.floor(Date.now() / 1000) - at).toBe(301);
  });

  test("unknown-serial: names an unknown key", async () => {
    expect((await invalidlySignedHeaders("unknown-serial")).get("wechatpay-serial")).toMatch(
      /^5A4DB0FF0+$/,
    );
  });

  test("probe: prefixes the signature", async () => {
    const signature = (await invalidlySignedHeaders("probe")).get("wechatpay-signature");
    expect(signature).toMatch(/^WECHATPAY\/SIGNTEST\//);
  });

  test("unsigned: omits the signature headers", async () => {
    expect([...(await invalidlySignedHeaders("unsigned")).keys()].join()).not.toContain(
      "wechatpay-",
    );
  });

  test.each([
    [{}, "Wechatpay-Nonce"],
    [{ header: "Wechatpay-Timestamp" }, "Wechatpay-Timestamp"],
    [{ header: "Wechatpay-Signature" }, "Wechatpay-Signature"],
    [{ header: "Wechatpay-Serial" }, "Wechatpay-Serial"],
  ])("missing-header: omits one header, %j", async (more, header) => {
    const headers = await invalidlySignedHeaders("missing-header", more);
    expect(headers.get(header)).toBeNull();
    expect([...headers.keys()].filter((name) => name.startsWith("wechatpay-"))).toHaveLength(4);
  });
});

test("call fault wrong-signature applies to a 204", async () => {
  await control("PATCH", "/settings", { closeAfterMs: 0 });
  await placeOrderV3(NUMBER);
  await armCallFault("wrong-signature", { path: "closeorder" });
  const target = `/v3/pay/transactions/out-trade-no/${NUMBER}/close`;
  const response = await sendV3("POST", target, { mchid: MCH_ID });
  expect(response.status).toBe(204);
  expect(hasValidSignature(response.headers, "")).toBe(false);
});

test.each([
  ["wrong-amount", { amount: { total: 101, payer_total: 101 } }],
  ["wrong-merchant", { mchid: "1999999999" }],
  ["wrong-app", { appid: "wx00000000000000ff" }],
])("call fault %s changes the response, with a valid signature", async (fault, wrong) => {
  await placePaidOrderV3(NUMBER);
  await armCallFault(fault, { path: "orderquery" });
  const response = await sendQuery();
  expect(hasValidSignature(response.headers, response.text)).toBe(true);
  expect(response.json).toMatchObject(wrong);
  expect((await queryOrderV3(NUMBER)).json).toMatchObject({
    mchid: MCH_ID,
    amount: { total: 100 },
  });
});

test("call fault wrong-amount changes the refund amount of a refund", async () => {
  await placePaidOrderV3(NUMBER);
  await armCallFault("wrong-amount", { path: "refund" });
  const { json } = await requestRefundV3(NUMBER, "R1");
  expect(json).toMatchObject({ amount: { refund: 41, payer_refund: 41, total: 100 } });
});

test("a call fault applies to each APIv3 call by its APIv2 name", async () => {
  await placePaidOrderV3(NUMBER);
  const calls: Record<string, () => Promise<V3Response>> = {
    unifiedorder: async () => await placeOrderV3(NUMBER),
    orderquery: async () => await queryOrderV3(NUMBER),
    closeorder: async () => await closeOrderV3(NUMBER),
    refund: async () => await requestRefundV3(NUMBER, "R1"),
    refundquery: async () => await queryRefundV3("R1"),
    certificates: async () => await callV3("GET", "/v3/certificates"),
  };
  for (const [path, call] of Object.entries(calls)) {
    await armFault({ on: "call", path, fault: "systemerror" });
    expect(await call()).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
  }
  expect((await orderDetails(NUMBER)).refunds).toEqual([]);
});

test("a call fault with outTradeNo matches an APIv3 call by any of its numbers", async () => {
  await placePaidOrderV3(NUMBER);
  const { json } = await requestRefundV3(NUMBER, "R1");
  const id = String(json["transaction_id"]);
  await armFault({ on: "call", path: "orderquery", fault: "systemerror", outTradeNo: NUMBER });
  await armFault({ on: "call", path: "refundquery", fault: "systemerror", outTradeNo: NUMBER });
  const byId = `/v3/pay/transactions/id/${id}?mchid=${MCH_ID}`;
  expect((await callV3("GET", byId)).status).toBe(500);
  expect((await queryRefundV3("R1")).status).toBe(500);
});

test("a call fault applies to valid APIv3 calls only", async () => {
  await armCallFault("systemerror");
  expect((await placeOrderV3(NUMBER, { attach: null })).status).toBe(400);
  await sendV3("POST", JSAPI, orderBody(NUMBER), { signature: "AAAA" });
  expect((await state()).faults).toHaveLength(1);
});

test("an APIv3-only call fault doesn't apply to APIv2", async () => {
  await armCallFault("probe");
  expect(await placeOrder("FAULTY200001")).toMatchObject({ result_code: "SUCCESS" });
  expect((await state()).faults).toHaveLength(1);
  expect((await sendOrder()).headers.get("wechatpay-signature")).toMatch(/^WECHATPAY/);
});
