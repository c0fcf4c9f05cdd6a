import { describe, expect, test } from "vitest";
import { APP_ID, ORDER_NUMBER, TRANSACTION_ID } from "../support/fixtures.ts";
import { answerFields, paymentNotification, xmlOf } from "../support/messages.ts";
import { body, signed, stubWechat, unreachable } from "../support/wechat-stub.ts";

const found = (fields = {}) => signed(paymentNotification({ trade_state: "SUCCESS", ...fields }));
const error = (code: string) => signed(answerFields({ result_code: "FAIL", err_code: code }));

describe("queryTransaction, APIv2", () => {
  test("sends WeChat's number only, and returns the order's number", async () => {
    const { wechat, sent } = stubWechat([found()]);
    expect(await wechat.queryTransaction(TRANSACTION_ID, APP_ID)).toEqual({
      kind: "found",
      orderNumber: ORDER_NUMBER,
    });
    expect(sent[0]?.url).toBe("https://wechat.test/pay/orderquery");
    expect(sent[0]?.fields.get("transaction_id")).toBe(TRANSACTION_ID);
    expect(sent[0]?.fields.has("out_trade_no")).toBe(false);
  });

  test("returns absent for a transaction that the merchant doesn't have", async () => {
    const { wechat } = stubWechat([error("ORDERNOTEXIST")]);
    expect(await wechat.queryTransaction(TRANSACTION_ID, APP_ID)).toEqual({ kind: "absent" });
  });

  test.each([
    ["another transaction", found({ transaction_id: "4200000000000000000000000000" })],
    ["an answer without the order's number", found({ out_trade_no: "" })],
    ["another app id", found({ appid: "wx0000000000000000" })],
    ["another merchant", found({ mch_id: "1900000000" })],
    ["SYSTEMERROR", error("SYSTEMERROR")],
    ["an unsigned answer", body(xmlOf(paymentNotification({ trade_state: "SUCCESS" })))],
    ["a wrong signature", body(xmlOf(paymentNotification({ sign: "A".repeat(64) })))],
    ["HTTP 500", body("", 500)],
    ["a network fault", unreachable()],
  ])("returns unknown for %s", async (_, answer) => {
    const { wechat } = stubWechat([answer]);
    expect((await wechat.queryTransaction(TRANSACTION_ID, APP_ID)).kind).toBe("unknown");
  });
});
