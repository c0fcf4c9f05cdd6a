import { describe, expect, test } from "vitest";
import {
  answerToUnsignedFail,
  classifyCloseError,
  classifyPaymentQueryError,
  classifyPrepayError,
  classifyRefundError,
  classifyRefundQueryError,
} from "../../../src/wechat/v2/error-codes.ts";
import { answerFor } from "../../../src/wechat/error-class.ts";

/** The same in all five calls. */
const COMMON = `
  SYSTEMERROR unknown
  SYSTEM_ERROR unknown
  FREQUENCY_LIMITED later
  NOAUTH merchant
  NO_AUTH merchant
  APPID_NOT_EXIST merchant
  MCHID_NOT_EXIST merchant
  APPID_MCHID_NOT_MATCH merchant
  SIGNERROR merchant
  RULE_LIMIT merchant
  RULELIMIT merchant
  ACCOUNTERROR merchant
  LACK_PARAMS gateway
  XML_FORMAT_ERROR gateway
  REQUIRE_POST_METHOD gateway
  POST_DATA_EMPTY gateway
  NOT_UTF8 gateway
  UNLISTED_CODE gateway
  constructor gateway
  __proto__ gateway`;

const TABLES = {
  unifiedorder: [
    classifyPrepayError,
    `${COMMON}
    INVALID_REQUEST request
    PARAM_ERROR request
    NOTENOUGH request
    ORDERPAID paid
    ORDERCLOSED closed
    OUT_TRADE_NO_USED query`,
  ],
  orderquery: [
    classifyPaymentQueryError,
    `${COMMON}
    INVALID_REQUEST gateway
    PARAM_ERROR gateway
    ORDERNOTEXIST absent
    ORDER_NOT_EXIST absent`,
  ],
  closeorder: [
    classifyCloseError,
    `${COMMON}
    INVALID_REQUEST gateway
    PARAM_ERROR gateway
    ORDERPAID paid
    ORDERCLOSED closed
    ORDERNOTEXIST absent
    TRADE_STATE_ERROR unknown`,
  ],
  refund: [
    classifyRefundError,
    `${COMMON}
    BIZERR_NEED_RETRY unknown
    INVALID_REQ_TOO_MUCH later
    ORDER_NOT_READY later
    NOTENOUGH merchant
    CERT_ERROR merchant
    TRADE_OVERDUE request
    USER_ACCOUNT_ABNORMAL request
    INVALID_REQUEST request
    ERROR request
    REFUND_FEE_MISMATCH gateway
    INVALID_TRANSACTIONID gateway
    ORDERNOTEXIST gateway
    PARAM_ERROR gateway`,
  ],
  refundquery: [
    classifyRefundQueryError,
    `${COMMON}
    INVALID_REQUEST gateway
    PARAM_ERROR gateway
    INVALID_TRANSACTIONID gateway
    REFUNDNOTEXIST absent`,
  ],
} as const;

describe.each(Object.entries(TABLES))("error codes of %s", (_call, [classify, table]) => {
  const rows = table
    .trim()
    .split(/\n\s*/)
    .map((line) => line.split(" "));

  test.each(rows)("classifies %s as %s", (code = "", meaning = "") => {
    expect(classify(code)).toBe(meaning);
  });
});

describe("answerFor", () => {
  test("returns unknown for unknown and later", () => {
    const error = { code: "SYSTEMERROR", message: "系统错误" };
    const answer = { kind: "unknown", reason: "SYSTEMERROR: 系统错误" };
    expect([answerFor("unknown", error), answerFor("later", error)]).toEqual([answer, answer]);
  });

  test("returns a refusal with WeChat's code for other classes", () => {
    const error = { code: "NOTENOUGH", message: "余额不足" };
    expect(answerFor("merchant", error)).toEqual({ kind: "refused", ...error, blame: "merchant" });
  });
});

describe("answerToUnsignedFail", () => {
  test.each([
    "SYSTEMERROR",
    "SYSTEM_ERROR",
    "System Error",
    "系统繁忙，请稍后再试",
    "系统错误",
    "频率过高",
    "请求过于频繁",
  ])("returns unknown for %s", (message) => {
    expect(answerToUnsignedFail(message)).toEqual({ kind: "unknown", reason: `FAIL: ${message}` });
  });

  test.each([
    ["签名错误", "merchant"],
    ["appid and mch_id not match", "merchant"],
    ["商户号mch_id与appid不匹配", "merchant"],
    ["证书已过期", "merchant"],
    ["您没有JSAPI支付权限", "merchant"],
    ["invalid refund_fee", "gateway"],
    ["参数格式校验错误", "gateway"],
    ["", "gateway"],
  ])("returns refused for %j, attributed to the %s", (message, blame) => {
    expect(answerToUnsignedFail(message)).toEqual({
      kind: "refused",
      code: "FAIL",
      message,
      blame,
    });
  });
});
