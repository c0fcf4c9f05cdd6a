import { beforeEach, describe, expect, test } from "vitest";
import { control, ORIGIN, placeOrder, resetSandbox, state } from "./helpers.ts";

const NUMBER = "INPUT0000001";
const MERCHANT = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
const CALL_FAULT = { on: "call", path: "refund", fault: "slow" };
const LINE_FAULT = { on: "bill", fault: "missing-line", outTradeNo: NUMBER };
const NOTIFICATION_FAULT = { on: "notification", kind: "pay", fault: "late" };

beforeEach(resetSandbox);

describe("the control API responds to invalid input with a 400 that names the fields:", () => {
  test.each<[string, string, object, string[]]>([
    ["POST", "/merchants", {}, ["mchId", "apiKey", "appIds"]],
    ["POST", "/merchants", { ...MERCHANT, mchId: "x" }, ["mchId"]],
    ["POST", "/merchants", { ...MERCHANT, apiKey: "short" }, ["apiKey"]],
    ["POST", "/merchants", { ...MERCHANT, appIds: [] }, ["appIds"]],
    ["POST", "/merchants", { ...MERCHANT, appIds: ["gh_1"] }, ["appIds.0"]],
    ["POST", "/merchants", { ...MERCHANT, apiV3Key: "short" }, ["apiV3Key"]],
    ["POST", "/merchants", { ...MERCHANT, more: 1 }, [""]],
    ["PATCH", "/settings", { notifyScale: -1 }, ["notifyScale"]],
    ["PATCH", "/settings", { notifyScale: "1" }, ["notifyScale"]],
    ["PATCH", "/settings", { closeAfterMs: 1.5 }, ["closeAfterMs"]],
    ["PATCH", "/settings", { refundOutcome: "maybe" }, ["refundOutcome"]],
    ["PATCH", "/settings", { probeRate: 1.1 }, ["probeRate"]],
    ["POST", "/merchants", { ...MERCHANT, certificateStage: "third" }, ["certificateStage"]],
    ["PATCH", "/settings", { unknown: 1 }, [""]],
    ["POST", `/orders/${NUMBER}/pay`, { notify: "no" }, ["notify"]],
    ["POST", `/orders/${NUMBER}/pay`, { bridge: { appId: 1 } }, ["bridge.appId"]],
    ["POST", `/orders/${NUMBER}/fail`, { notify: false }, [""]],
    ["POST", `/orders/${NUMBER}/close`, { x: 1 }, [""]],
    ["POST", `/orders/${NUMBER}/notify`, { x: 1 }, [""]],
    ["POST", `/orders/${NUMBER}/platform-refund`, { refundFee: 0 }, ["refundFee"]],
    ["POST", `/orders/${NUMBER}/platform-refund`, { status: "PROCESSING" }, ["status"]],
    ["POST", `/orders/${NUMBER}/platform-refund`, { notifyUrl: "ftp://a" }, ["notifyUrl"]],
    ["POST", "/refunds/R1/outcome", {}, ["status"]],
    ["POST", "/refunds/R1/outcome", { status: "PROCESSING" }, ["status"]],
    ["POST", "/refunds/R1/notify", { x: 1 }, [""]],
    ["POST", "/reset", { x: 1 }, [""]],
    ["POST", "/faults", {}, ["on"]],
    ["POST", "/faults", { ...CALL_FAULT, on: "elsewhere" }, ["on"]],
    ["POST", "/faults", { ...CALL_FAULT, path: "micropay" }, ["path"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "late" }, ["fault"]],
    ["POST", "/faults", { ...CALL_FAULT, times: 0 }, ["times"]],
    ["POST", "/faults", { ...CALL_FAULT, outTradeNo: "" }, ["outTradeNo"]],
    ["POST", "/faults", { ...CALL_FAULT, delayMs: -1 }, ["delayMs"]],
    ["POST", "/faults", { ...CALL_FAULT, errCode: "NOTENOUGH" }, ["errCode"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "refuse" }, ["errCode"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "refuse", errCode: "a" }, ["errCode"]],
    ["POST", "/faults", { ...CALL_FAULT, httpStatus: 403 }, ["httpStatus"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "refuse", httpStatus: 200 }, ["httpStatus"]],
    ["POST", "/faults", { ...CALL_FAULT, header: "Wechatpay-Nonce" }, ["header"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "missing-header", header: "Accept" }, ["header"]],
    ["POST", "/faults", { ...CALL_FAULT, fault: "truncated" }, ["fault"]],
    ["POST", "/faults", { on: "bill", fault: "late" }, ["fault"]],
    ["POST", "/faults", { on: "bill", fault: "missing-line" }, ["outTradeNo"]],
    ["POST", "/faults", { ...LINE_FAULT, outRefundNo: "R1" }, ["outTradeNo"]],
    ["POST", "/faults", { ...LINE_FAULT, fault: "creating" }, ["outTradeNo"]],
    ["POST", "/faults", { on: "bill", fault: "truncated", outRefundNo: "R1" }, ["outRefundNo"]],
    ["POST", "/faults", { ...LINE_FAULT, delayMs: 1 }, [""]],
    ["PATCH", "/settings", { billColumns: "newest" }, ["billColumns"]],
    ["PATCH", "/settings", { billsOfToday: "no" }, ["billsOfToday"]],
    ["PATCH", "/settings", { billLineBreak: "\n" }, ["billLineBreak"]],
    ["PATCH", "/settings", { billExtraLines: -1 }, ["billExtraLines"]],
    ["POST", "/faults", { ...NOTIFICATION_FAULT, header: "Wechatpay-Nonce" }, ["header"]],
    ["POST", "/faults", { ...NOTIFICATION_FAULT, kind: "close" }, ["kind"]],
    ["POST", "/faults", { ...NOTIFICATION_FAULT, fault: "slow" }, ["fault"]],
    ["POST", "/faults", { ...NOTIFICATION_FAULT, errCode: "A" }, [""]],
  ])("%s %s %j", async (method, path, body, fields) => {
    const response = await control(method, path, body);
    expect(response.status).toBe(400);
    for (const field of fields) {
      expect(response.json).toMatchObject({
        error: "the body is malformed",
        fields: expect.arrayContaining([expect.objectContaining({ field })]),
      });
    }
    expect((await state()).faults).toEqual([]);
  });
});

test.each(["{", "[1", "notify=false", "\u0000"])(
  "the control API refuses %j as not JSON",
  async (body) => {
    const response = await control("POST", "/faults", body);
    expect(response).toEqual({ status: 400, json: { error: "the body is not JSON" } });
  },
);

test.each(["[]", "null", "1", '"text"'])(
  "the control API refuses %s as not an object",
  async (body) => {
    expect(await control("POST", "/reset", body)).toMatchObject({ status: 400 });
  },
);

test("the control API refuses a body that is too large", async () => {
  const response = await control("POST", "/faults", " ".repeat(70_000));
  expect(response).toEqual({ status: 400, json: { error: "the body is too large" } });
});

test("the control API accepts an empty body with any content type", async () => {
  await placeOrder(NUMBER);
  const headers = { "content-type": "text/plain" };
  const response = await control("POST", `/orders/${NUMBER}/pay`, "", headers);
  expect(response).toMatchObject({ status: 200, json: { state: "SUCCESS" } });
});

test.each([
  ["GET", "/nothing"],
  ["GET", "/faults"],
  ["PUT", "/settings"],
  ["DELETE", `/orders/${NUMBER}`],
])("the control API responds to %s %s with a 404 in JSON", async (method, path) => {
  const response = await control(method, path);
  expect(response).toEqual({ status: 404, json: { error: "no such path or method" } });
});

describe("the control API, called with an Origin", () => {
  test.each(["https://evil.test", "http://sandbox.test:81", "null"])(
    "refuses changes from %j",
    async (origin) => {
      for (const [method, path] of [
        ["POST", "/reset"],
        ["PATCH", "/settings"],
        ["DELETE", "/faults"],
      ] as const) {
        const response = await control(method, path, {}, { origin });
        expect(response.status).toBe(403);
      }
    },
  );

  test("accepts changes from the sandbox's page and from tools without an Origin", async () => {
    expect(await control("POST", "/reset", {}, { origin: ORIGIN })).toMatchObject({ status: 200 });
    expect(await control("POST", "/reset", {})).toMatchObject({ status: 200 });
  });
});
