import { beforeEach, describe, expect, test } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import {
  askForBill,
  bill,
  billText,
  change,
  DAY_MS,
  noBill,
  numbersIn,
  readBill,
  TODAY,
} from "./bill-helpers.ts";
import {
  common,
  control,
  details,
  fieldsOf,
  freshSandbox,
  orderParams,
  pass,
  placeOrder,
  placePaidOrder,
  requestRefund,
  SECOND_APP_ID,
  send,
  signed,
  state,
  type Params,
} from "./helpers.ts";
import { placePaidOrder3, requestRefund3 } from "./v3-helpers.ts";

const NUMBER = "BILLED000001";
const TOMORROW = "21000102";
// The clock stands at 12:05:06 in Beijing.
const TO_MIDNIGHT = (11 * 3600 + 54 * 60 + 54) * 1000;

beforeEach(freshSandbox);

test("a paid order and its refund are one line each", async () => {
  await placePaidOrder(NUMBER, { attach: "A1" });
  const { transactionId } = await details(NUMBER);
  pass(61_000);
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
  const { rows, summary } = await bill();
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

test("what was not paid is in no bill", async () => {
  await placeOrder(NUMBER);
  await placeOrder("BILLED000002");
  await control("POST", "/orders/BILLED000002/close");
  expect(await noBill()).toEqual({
    return_code: "FAIL",
    return_msg: "No Bill Exist",
    error_code: "20002",
  });
});

test("an order belongs to the day it was paid, a refund to the day it was asked for", async () => {
  pass(TO_MIDNIGHT - 2000);
  await placeOrder(NUMBER);
  await placePaidOrder("BILLED000002");
  pass(1999);
  await requestRefund("BILLED000002", "R1");
  pass(1);
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false });
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS", notify: false });
  await requestRefund(NUMBER, "R2");
  expect(numbersIn(await bill())).toEqual(["BILLED000002", "R1"]);
  expect(numbersIn(await bill({ bill_date: TOMORROW }))).toEqual([NUMBER, "R2"]);
  const { rows } = await bill({ bill_type: "REFUND" });
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
])("of type %s holds %j", async (type, numbers) => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  expect(numbersIn(await bill({ bill_type: type }))).toEqual(numbers);
  expect(numbersIn(await bill({ bill_type: "" }))).toEqual([NUMBER, "R1"]);
  expect(await noBill({ bill_type: "RECHARGE_REFUND" })).toMatchObject({ error_code: "20002" });
});

test.each([
  ["CHANGE", "CHANGE"],
  ["REFUNDCLOSE", "FAIL"],
])("a refund that is %s is %s in a bill", async (status, word) => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R1");
  await control("POST", "/refunds/R1/outcome", { status, notify: false });
  const { rows } = await bill({ bill_type: "REFUND" });
  expect(rows).toMatchObject([{ 退款状态: word, 退款成功时间: "" }]);
});

test("is of the merchant: through all appids, both protocols and the platform", async () => {
  await placePaidOrder(NUMBER);
  await placePaidOrder("BILLED000002", { appid: SECOND_APP_ID });
  await placePaidOrder3("BILLED000003");
  await requestRefund3("BILLED000003", "R3");
  const reply = await control("POST", `/orders/${NUMBER}/platform-refund`);
  const other = { mchId: "1900000110", apiKey: "k".repeat(32), appIds: ["wx1111111111111111"] };
  await control("POST", "/merchants", other);
  const identity = { mch_id: other.mchId, appid: "wx1111111111111111" };
  const foreign = signed(orderParams("BILLED000004", identity), other.apiKey);
  await send("/pay/unifiedorder", writeXml(Object.entries(foreign)));
  await control("POST", "/orders/BILLED000004/pay", { notify: false });
  await control("POST", "/orders/BILLED000004/platform-refund");
  expect(numbersIn(await bill())).toEqual([
    NUMBER,
    "BILLED000002",
    "BILLED000003",
    "R3",
    expect.stringMatching(/^1900000109\d+$/),
  ]);
  expect(reply.status).toBe(201);
  const asked = signed(common({ ...identity, bill_date: TODAY }), other.apiKey);
  const answer = await send("/pay/downloadbill", writeXml(Object.entries(asked)));
  expect(numbersIn(readBill(await answer.text()))).toEqual([
    "BILLED000004",
    expect.stringMatching(/^1900000110\d+$/),
  ]);
});

describe("compressed", () => {
  test("is gzip, and the same text", async () => {
    await placePaidOrder(NUMBER);
    const response = await askForBill({ tar_type: "GZIP" });
    expect(response.headers.get("content-encoding")).toBeNull();
    expect([...new Uint8Array(await response.arrayBuffer()).slice(0, 2)]).toEqual([0x1f, 0x8b]);
    expect(await billText({ tar_type: "GZIP" })).toBe(await billText());
  });

  test("is told apart from an error by its bytes alone", async () => {
    expect(await noBill({ tar_type: "GZIP" })).toMatchObject({ return_code: "FAIL" });
  });
});

describe("a day", () => {
  test("three months back is the last", async () => {
    await placePaidOrder(NUMBER);
    pass(90 * DAY_MS);
    expect(numbersIn(await bill())).toEqual([NUMBER]);
    pass(DAY_MS);
    expect(await noBill()).toMatchObject({ error_code: "20001", return_msg: "invalid bill_date" });
  });

  test("to come has no bill", async () => {
    expect(await noBill({ bill_date: TOMORROW })).toMatchObject({ return_msg: "No Bill Exist" });
  });

  test("that is not over has none at WeChat, and from 9 o'clock the next day", async () => {
    await change({ billsOfToday: false });
    await placePaidOrder(NUMBER);
    expect(await noBill()).toMatchObject({ return_msg: "No Bill Exist" });
    pass(TO_MIDNIGHT + 9 * 3_600_000 - 1);
    expect(await noBill()).toMatchObject({ return_code: "FAIL", return_msg: "Bill Creating" });
    pass(1);
    expect(numbersIn(await bill())).toEqual([NUMBER]);
  });
});

describe("a call that is out of order", () => {
  const NOT_OK: [string, Params, string][] = [
    ["an unknown type", { bill_type: "REVOKED" }, "invalid bill_type"],
    ["no date", { bill_date: "" }, "missing parameter"],
    ["a date that is none", { bill_date: "21000229" }, "data format error"],
    ["a date with hyphens", { bill_date: "2100-01-01" }, "data format error"],
    ["another compression", { tar_type: "ZIP" }, "data format error"],
    ["an unknown parameter", { openid: "o" }, "data format error"],
    ["an appid of others", { appid: "wx1111111111111111" }, "appid and mch_id not match"],
    ["an unknown merchant", { mch_id: "1" }, "data format error"],
  ];
  test.each(NOT_OK)("has %s", async (_what, changes, message) => {
    await placePaidOrder(NUMBER);
    expect(await noBill(changes)).toEqual({
      return_code: "FAIL",
      return_msg: message,
      error_code: "20001",
    });
    expect((await state()).calls[0]).toMatchObject({
      path: "/pay/downloadbill",
      outcome: `FAIL 20001: ${message}`,
    });
  });

  test("has another sign", async () => {
    const params = signed(common({ bill_date: TODAY }), "x".repeat(32));
    const response = await send("/pay/downloadbill", writeXml(Object.entries(params)));
    expect(fieldsOf(await response.text())).toMatchObject({
      return_msg: "SIGN ERROR",
      error_code: "20001",
    });
  });

  test("is no POST", async () => {
    const response = await send("/pay/downloadbill", null, "GET");
    expect(fieldsOf(await response.text())).toMatchObject({ return_code: "FAIL" });
  });
});

test("the call is on record", async () => {
  await placePaidOrder(NUMBER);
  await bill();
  expect((await state()).calls[0]).toMatchObject({ path: "/pay/downloadbill", outcome: "SUCCESS" });
});
