import { beforeEach, describe, expect, test } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import {
  billText,
  changeSettings,
  DAY_MS,
  fetchBill,
  fetchBillFailure,
  numbersIn,
  parseBill,
  requestBill,
  TODAY,
} from "./bill-helpers.ts";
import {
  advanceClock,
  commonParams,
  control,
  fieldsOf,
  orderDetails,
  orderParams,
  placeOrder,
  placePaidOrder,
  requestRefund,
  resetSandbox,
  SECOND_APP_ID,
  send,
  signed,
  state,
  type Params,
} from "./helpers.ts";
import { placePaidOrderV3, requestRefundV3 } from "./v3-helpers.ts";

const NUMBER = "BILLED000001";
const TOMORROW = "21000102";
// The clock is stopped at 12:05:06 Beijing time.
const TO_MIDNIGHT = (11 * 3600 + 54 * 60 + 54) * 1000;

beforeEach(resetSandbox);

test("a bill has one line for a paid order and one for its refund", async () => {
  await placePaidOrder(NUMBER, { attach: "A1" });
  const { transactionId } = await orderDetails(NUMBER);
  advanceClock(61_000);
  const { refund_id: refundId } = await requestRefund(NUMBER, "R1");
  const trade = {
    公众账号ID: "wxde05c4b716e52bf2",
    商户号: "1900000109",
    特约商户号: "0",
    微信订单号: transactionId,
    商户订单号: NUMBER,
    用户标识: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    交易类型: "JSAPI",
    商品名称: "腾讯充值中心-QQ会员充值",
    商户数据包: "A1",
  };
  const { rows, summary } = await fetchBill();
  expect(rows).toMatchObject([
    {
      ...trade,
      交易时间: "2100-01-01 12:05:06",
      交易状态: "SUCCESS",
      应结订单金额: "1.00",
      订单金额: "1.00",
      申请退款金额: "0.00",
      微信退款单号: "0",
      商户退款单号: "0",
      退款状态: "",
      手续费: "0.01000",
    },
    {
      ...trade,
      交易时间: "2100-01-01 12:06:07",
      交易状态: "REFUND",
      应结订单金额: "0.00",
      订单金额: "0.00",
      退款金额: "0.40",
      申请退款金额: "0.40",
      微信退款单号: refundId,
      商户退款单号: "R1",
      退款类型: "ORIGINAL",
      退款状态: "PROCESSING",
    },
  ]);
  expect(summary).toEqual({
    总交易单数: "2",
    应结订单总金额: "1.00",
    退款总金额: "0.40",
    充值券退款总金额: "0.00",
    手续费总金额: "0.01000",
    订单总金额: "1.00",
    申请退款总金额: "0.40",
  });
});

test("a bill lists no unpaid orders", async () => {
  await placeOrder(NUMBER);
  await placeOrder("BILLED000002");
  await control("POST", "/orders/BILLED000002/close");
  expect(await fetchBillFailure()).toEqual({
    return_code: "FAIL",
    return_msg: "No Bill Exist",
    error_code: "20002",
  });
});

test("a bill lists orders by the day of the payment, refunds by the day of the request", async () => {
  advanceClock(TO_MIDNIGHT - 2000);
  await placeOrder(NUMBER);
  await placePaidOrder("BILLED000002");
  advanceClock(1999);
  await requestRefund("BILLED000002", "R1");
  advanceClock(1);
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS", notify: false });
  await requestRefund(NUMBER, "R2");
  expect(numbersIn(await fetchBill())).toEqual(["BILLED000002", "R1"]);
  expect(numbersIn(await fetchBill({ bill_date: TOMORROW }))).toEqual([NUMBER, "R2"]);
  const { rows } = await fetchBill({ bill_type: "REFUND" });
  expect(rows).toMatchObject([
    {
      交易时间: "2100-01-01 23:59:58",
      退款申请时间: "2100-01-01 23:59:59",
      退款成功时间: "2100-01-02 00:00:00",
      退款状态: "SUCCESS",
    },
  ]);
});

test.each([
  ["ALL", [NUMBER, "R1"]],
  ["SUCCESS", [NUMBER]],
  ["REFUND", ["R1"]],
])("a bill of type %s lists %j", async (type, numbers) => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  expect(numbersIn(await fetchBill({ bill_type: type }))).toEqual(numbers);
  expect(numbersIn(await fetchBill({ bill_type: "" }))).toEqual([NUMBER, "R1"]);
  expect(await fetchBillFailure({ bill_type: "RECHARGE_REFUND" })).toMatchObject({
    error_code: "20002",
  });
});

test.each([
  ["CHANGE", "CHANGE"],
  ["REFUNDCLOSE", "FAIL"],
])("a bill shows the refund status %s as %s", async (status, billStatus) => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  await control("POST", "/refunds/R1/outcome", { status, notify: false });
  const { rows } = await fetchBill({ bill_type: "REFUND" });
  expect(rows).toMatchObject([{ 退款状态: billStatus, 退款成功时间: "" }]);
});

test("a bill lists the trades of one merchant: all appids, both protocols, platform refunds", async () => {
  await placePaidOrder(NUMBER);
  await placePaidOrder("BILLED000002", { appid: SECOND_APP_ID });
  await placePaidOrderV3("BILLED000003");
  await requestRefundV3("BILLED000003", "R3");
  const response = await control("POST", `/orders/${NUMBER}/platform-refund`);
  const other = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
  await control("POST", "/merchants", other);
  const identity = { mch_id: other.mchId, appid: "wx1111111111111111" };
  const foreign = signed(orderParams("BILLED000004", identity), other.apiKey);
  await send("/pay/unifiedorder", writeXml(Object.entries(foreign)));
  await control("POST", "/orders/BILLED000004/pay", { notify: false });
  await control("POST", "/orders/BILLED000004/platform-refund");
  expect(numbersIn(await fetchBill())).toEqual([
    NUMBER,
    "BILLED000002",
    "BILLED000003",
    "R3",
    expect.stringMatching(/^1900000109\d+$/),
  ]);
  expect(response.status).toBe(201);
  const params = signed(commonParams({ ...identity, bill_date: TODAY }), other.apiKey);
  const otherBill = await send("/pay/downloadbill", writeXml(Object.entries(params)));
  expect(numbersIn(parseBill(await otherBill.text()))).toEqual([
    "BILLED000004",
    expect.stringMatching(/^1900000110\d+$/),
  ]);
});

describe("a compressed bill", () => {
  test("is gzip of the same text", async () => {
    await placePaidOrder(NUMBER);
    const response = await requestBill({ tar_type: "GZIP" });
    expect(response.headers.get("content-encoding")).toBeNull();
    expect([...new Uint8Array(await response.arrayBuffer()).slice(0, 2)]).toEqual([0x1f, 0x8b]);
    expect(await billText({ tar_type: "GZIP" })).toBe(await billText());
  });

  test("fails with uncompressed XML", async () => {
    expect(await fetchBillFailure({ tar_type: "GZIP" })).toMatchObject({ return_code: "FAIL" });
  });
});

describe("the bill_date", () => {
  test("may be up to three months ago", async () => {
    await placePaidOrder(NUMBER);
    advanceClock(90 * DAY_MS);
    expect(numbersIn(await fetchBill())).toEqual([NUMBER]);
    advanceClock(DAY_MS);
    expect(await fetchBillFailure()).toMatchObject({
      error_code: "20001",
      return_msg: "invalid bill_date",
    });
  });

  test("has no bill in the future", async () => {
    expect(await fetchBillFailure({ bill_date: TOMORROW })).toMatchObject({
      return_msg: "No Bill Exist",
    });
  });

  test("has a bill from 9 o'clock on the next day when billsOfToday is off", async () => {
    await changeSettings({ billsOfToday: false });
    await placePaidOrder(NUMBER);
    expect(await fetchBillFailure()).toMatchObject({ return_msg: "No Bill Exist" });
    advanceClock(TO_MIDNIGHT + 9 * 3_600_000 - 1);
    expect(await fetchBillFailure()).toMatchObject({
      return_code: "FAIL",
      return_msg: "Bill Creating",
    });
    advanceClock(1);
    expect(numbersIn(await fetchBill())).toEqual([NUMBER]);
  });
});

describe("an invalid downloadbill call", () => {
  const INVALID_CALLS: [string, Params, string][] = [
    ["an unknown type", { bill_type: "REVOKED" }, "invalid bill_type"],
    ["no date", { bill_date: "" }, "missing parameter"],
    ["an impossible date", { bill_date: "21000229" }, "data format error"],
    ["a date with hyphens", { bill_date: "2100-01-01" }, "data format error"],
    ["another compression", { tar_type: "ZIP" }, "data format error"],
    ["an unknown parameter", { openid: "o" }, "data format error"],
    ["another merchant's appid", { appid: "wx1111111111111111" }, "appid and mch_id not match"],
    ["an unknown merchant", { mch_id: "1" }, "data format error"],
  ];
  test.each(INVALID_CALLS)("fails with error_code 20001: %s", async (_what, changes, message) => {
    await placePaidOrder(NUMBER);
    expect(await fetchBillFailure(changes)).toEqual({
      return_code: "FAIL",
      return_msg: message,
      error_code: "20001",
    });
    expect((await state()).calls[0]).toMatchObject({
      path: "/pay/downloadbill",
      outcome: `FAIL 20001: ${message}`,
    });
  });

  test("fails with SIGN ERROR for a wrong sign", async () => {
    const params = signed(commonParams({ bill_date: TODAY }), "x".repeat(32));
    const response = await send("/pay/downloadbill", writeXml(Object.entries(params)));
    expect(fieldsOf(await response.text())).toMatchObject({
      return_msg: "SIGN ERROR",
      error_code: "20001",
    });
  });

  test("fails for a GET", async () => {
    const response = await send("/pay/downloadbill", null, "GET");
    expect(fieldsOf(await response.text())).toMatchObject({ return_code: "FAIL" });
  });
});

test("a downloadbill call appears in the call log", async () => {
  await placePaidOrder(NUMBER);
  await fetchBill();
  expect((await state()).calls[0]).toMatchObject({ path: "/pay/downloadbill", outcome: "SUCCESS" });
});
