import { describe, expect, test } from "vitest";
import { parseRefundMoney } from "../../src/contract/refund-money.ts";
import { parametersOf, refusalOf } from "./support.ts";

type Fields = Record<string, string | undefined>;

function parse(changes: Fields) {
  return parseRefundMoney(parametersOf({ platForm: "1", order_id: "8", ...changes }));
}

describe("parseRefundMoney", () => {
  test("requires platForm and order_id only", () => {
    const expected = {
      ok: true,
      value: { orderId: 8, refundFen: null, appRefundNo: null, refundReason: null },
    };
    expect(parse({})).toEqual(expected);
    expect(parse({ refundFree: "", appRefundNo: "" })).toEqual(expected);
  });

  test("accepts a partial amount and the app's own number", () => {
    expect(parse({ refundFree: "5", appRefundNo: "r-1" })).toEqual({
      ok: true,
      value: { orderId: 8, refundFen: 5, appRefundNo: "r-1", refundReason: null },
    });
  });

  test("accepts a reason of at most 80 bytes", () => {
    const refundReason = `${"商".repeat(26)}ab`;
    expect(parse({ refundReason })).toMatchObject({ ok: true, value: { refundReason } });
    expect(parse({ refundReason: "" })).toMatchObject({ ok: true, value: { refundReason: null } });
  });

  test.each<[Fields, string]>([
    [{ refundReason: "商".repeat(27) }, "refundReason 不能超过 80 字节"],
    [{ refundReason: "x".repeat(81) }, "refundReason 不能超过 80 字节"],
    [{ refundReason: "缺货😀" }, "refundReason 不能包含 emoji"],
    [{ refundReason: `a${String.fromCodePoint(0)}b` }, "refundReason 不能包含控制字符"],
    [{ platForm: undefined }, "platForm 必传"],
    [{ platForm: "2" }, "platForm 只能是 1"],
    [{ order_id: undefined }, "order_id 必传"],
    [{ order_id: "" }, "order_id 必传"],
    [{ order_id: "0" }, "order_id 必须是不小于 1 的整数"],
    [{ order_id: "8.0" }, "order_id 必须是不小于 1 的整数"],
    [{ order_id: "9007199254740992" }, "order_id 不能大于"],
    [{ refundFree: "0" }, "refundFree 必须是不小于 1 的整数（单位：分）"],
    [{ refundFree: "-5" }, "refundFree 必须是不小于 1 的整数（单位：分）"],
    [{ refundFree: "0.5" }, "refundFree 必须是不小于 1 的整数（单位：分）"],
    [{ refundFree: "2147483648" }, "refundFree 不能大于 2147483647（单位：分）"],
    [{ appRefundNo: "退款" }, "appRefundNo 只能由"],
    [{ appRefundNo: "x".repeat(65) }, "appRefundNo 只能由"],
  ])("refuses %j: %s", (changes, detail) => {
    expect(refusalOf(parse(changes))).toContain(detail);
  });
});
