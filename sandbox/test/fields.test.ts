import { beforeEach, describe, expect, test } from "vitest";
import {
  call,
  commonParams,
  orderParams,
  placeOrder,
  refundParams,
  resetSandbox,
  type Params,
} from "./helpers.ts";

beforeEach(resetSandbox);

const NUMBER = "FIELDS000001";

async function expectParamError(path: string, params: Params): Promise<void> {
  expect(await call(path, params)).toMatchObject({ result_code: "FAIL", err_code: "PARAM_ERROR" });
}

describe("unifiedorder fails with PARAM_ERROR for", () => {
  test.each([
    ["body", "x".repeat(128)],
    ["body of 43 characters, 129 bytes", "付".repeat(43)],
    ["attach", "x".repeat(128)],
    ["attach of 129 bytes", "付".repeat(43)],
    ["out_trade_no", "12345"],
    ["out_trade_no", "x".repeat(33)],
    ["out_trade_no", "ORDER 0001"],
    ["out_trade_no", "ORDER@0001"],
    ["total_fee", "0"],
    ["total_fee", "-1"],
    ["total_fee", "1.00"],
    ["total_fee", "01"],
    ["total_fee", "1e3"],
    ["total_fee", "2147483648"],
    ["spbill_create_ip", "localhost"],
    ["spbill_create_ip", "256.1.1.1"],
    ["notify_url", "/notify"],
    ["notify_url", "ftp://merchant.test/notify"],
    ["notify_url", "https://merchant.test/notify?a=1"],
    ["notify_url", "https://merchant.test/notify#a"],
    ["notify_url", "https://user:secret@merchant.test/notify"],
    ["notify_url", `https://merchant.test/${"x".repeat(240)}`],
    ["trade_type", "NATIVE"],
    ["trade_type", "jsapi"],
    ["openid", "x".repeat(129)],
    ["openid", "<openid>"],
    ["fee_type", "USD"],
    ["time_start", "2100"],
    ["time_expire", "21000101250000"],
    ["device_info", "x".repeat(33)],
    ["detail", "x".repeat(6001)],
    ["goods_tag", "x".repeat(33)],
    ["goods_tag", "标".repeat(11)],
    ["limit_pay", "no_debit"],
    ["receipt", "N"],
    ["profit_sharing", "y"],
    ["scene_info", "x".repeat(257)],
  ])("%s %j", async (what, value) => {
    const [name = ""] = what.split(" ");
    await expectParamError("/pay/unifiedorder", orderParams(NUMBER, { [name]: value }));
  });
});

test("unifiedorder accepts every field at its limit", async () => {
  const response = await placeOrder("-_|*-_|*-_|*-_|*-_|*-_|*-_|*-_|*", {
    body: `${"付".repeat(42)}x`,
    attach: `${"付".repeat(42)}x`,
    total_fee: "2147483647",
    spbill_create_ip: "2001:db8::1",
    notify_url: `http://merchant.test/${"x".repeat(235)}`,
    openid: "x".repeat(128),
    fee_type: "CNY",
    time_start: "21000101000000",
    time_expire: "21000102000000",
    device_info: "WEB",
    detail: "{}",
    goods_tag: "TAG",
    limit_pay: "no_credit",
    receipt: "Y",
    profit_sharing: "N",
    scene_info: "{}",
    version: "1.0",
    sign_type: "MD5",
  });
  expect(response).toMatchObject({ result_code: "SUCCESS", device_info: "WEB" });
});

test("unifiedorder fails with an unsigned FAIL for a time_expire that is too near", async () => {
  const response = await placeOrder(NUMBER, { time_expire: "21000101121005" });
  expect(response).toEqual({
    return_code: "FAIL",
    return_msg: "time_expire时间过短,刷卡至少1分钟,其他5分钟",
  });
});

describe("refund fails with PARAM_ERROR for", () => {
  test.each([
    ["out_refund_no", "x".repeat(65)],
    ["out_refund_no", "REFUND/1"],
    ["refund_fee", "0"],
    ["refund_fee", "1.5"],
    ["total_fee", "0"],
    ["refund_fee_type", "USD"],
    ["refund_desc", "x".repeat(81)],
    ["refund_account", "OTHER"],
    ["notify_url", "https://merchant.test/notify?a=1"],
    ["transaction_id", "abc"],
  ])("%s %j", async (name, value) => {
    await expectParamError(
      "/secapi/pay/refund",
      refundParams(NUMBER, "REFUND1", { [name]: value }),
    );
  });
});

test("refundquery fails with PARAM_ERROR for a malformed offset", async () => {
  await expectParamError("/pay/refundquery", commonParams({ out_trade_no: NUMBER, offset: "-1" }));
});
