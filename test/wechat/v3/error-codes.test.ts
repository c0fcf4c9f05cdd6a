import { describe, expect, test } from "vitest";
import {
  classifyCertificatesError,
  classifyCloseError,
  classifyDownloadError,
  classifyPaymentQueryError,
  classifyPrepayError,
  classifyRefundError,
  classifyRefundQueryError,
  classifyBillError,
  type HttpError,
} from "../../../src/wechat/v3/error-codes.ts";
import { answerFor } from "../../../src/wechat/error-class.ts";

/** The same in all calls. Older spellings, without underscores, mean the same. */
const COMMON = `
  400 PARAM_ERROR gateway
  400 INVALID_REQUEST gateway
  400 APPID_MCHID_NOT_MATCH merchant
  400 MCH_NOT_EXISTS merchant
  404 MCH_NOT_EXISTS merchant
  401 SIGN_ERROR merchant
  401 SIGNERROR merchant
  403 NO_AUTH merchant
  403 NOAUTH merchant
  403 RULE_LIMIT merchant
  403 RULELIMIT merchant
  403 ACCOUNT_ERROR merchant
  403 ACCOUNTERROR merchant
  406 PARAM_ERROR gateway
  429 FREQUENCY_LIMITED later
  429 FREQUENCY_LIMIT_EXCEED later
  403 FREQUENCY_LIMITED later
  500 SYSTEM_ERROR unknown
  500 SYSTEMERROR unknown
  400 SYSTEM_ERROR unknown
  400 UNLISTED_CODE gateway
  404 UNLISTED_CODE gateway
  499 UNLISTED_CODE gateway
  500 UNLISTED_CODE unknown
  502 UNLISTED_CODE unknown
  503 UNLISTED_CODE unknown
  504 UNLISTED_CODE unknown
  400 constructor gateway
  500 __proto__ unknown`;

const PAYMENT = `
  403 TRADE_ERROR request`;

const TABLES: [string, (error: HttpError) => string, string][] = [
  [
    "prepay",
    classifyPrepayError,
    `${PAYMENT}
    400 PARAM_ERROR request
    400 INVALID_REQUEST request
    400 ORDER_CLOSED closed
    400 ORDERCLOSED closed
    400 ORDER_PAID paid
    400 ORDERPAID paid
    403 OUT_TRADE_NO_USED query
    403 NOT_ENOUGH request
    403 NOTENOUGH request
    500 BANK_ERROR unknown
    500 BANKERROR unknown
    500 OPENID_MISMATCH request
    500 INVALID_TRANSACTIONID gateway`,
  ],
  [
    "query",
    classifyPaymentQueryError,
    `${PAYMENT}
    404 ORDER_NOT_EXIST absent
    404 ORDERNOTEXIST absent`,
  ],
  [
    "close",
    classifyCloseError,
    `${PAYMENT}
    400 ORDER_PAID paid
    403 ORDERPAID paid
    400 ORDER_CLOSED closed
    404 ORDER_NOT_EXIST absent`,
  ],
  [
    "refund",
    classifyRefundError,
    `
    400 INVALID_REQUEST request
    403 NOT_ENOUGH merchant
    403 NOTENOUGH merchant
    403 USER_ACCOUNT_ABNORMAL request
    403 REQUEST_BLOCKED merchant
    404 RESOURCE_NOT_EXISTS gateway`,
  ],
  ["refund query", classifyRefundQueryError, "404 RESOURCE_NOT_EXISTS absent"],
  ["certificates", classifyCertificatesError, "404 RESOURCE_NOT_EXISTS none"],
  [
    "trade bill",
    classifyBillError,
    `
    400 NO_STATEMENT_EXIST empty
    400 STATEMENT_CREATING creating`,
  ],
  ["bill download", classifyDownloadError, ""],
];

function rowsOf(table: string): [number, string, string][] {
  return table
    .split("\n")
    .map((client) => client.trim().split(" "))
    .filter((row) => row.length === 3)
    .map(([status = "", code = "", errorClass = ""]) => [Number(status), code, errorClass]);
}

describe.each(TABLES)("error codes of %s", (_name, classify, own) => {
  const special = rowsOf(own);
  const overridden = new Set(special.map(([status, code]) => `${status} ${code}`));
  const common = rowsOf(COMMON).filter(([status, code]) => !overridden.has(`${status} ${code}`));

  test.each([...special, ...common])("classifies %i %s as %s", (status, code, errorClass) => {
    expect(classify({ status, code, message: "", field: null })).toBe(errorClass);
  });
});

describe("answerFor", () => {
  const error = { status: 403, code: "NO_AUTH", message: "商户无权限" };

  test.each(["request", "merchant", "gateway"] as const)("returns refused for %s", (blame) => {
    const { code, message } = error;
    expect(answerFor(blame, error)).toEqual({ kind: "refused", code, message, blame });
  });

  test.each(["unknown", "later"] as const)("returns unknown for %s", (errorClass) => {
    expect(answerFor(errorClass, error)).toEqual({
      kind: "unknown",
      reason: "NO_AUTH: 商户无权限",
    });
  });
});
