import { describe, expect, test } from "vitest";
import { parseRefundMoney } from "../../src/contract/refund-money.ts";
import { parametersOf, refusalOf } from "./support.ts";

type Fields = Record<string, string | undefined>;

function parse(changes: Fields) {
  return parseRefundMoney(parametersOf({ platForm: "1", order_id: "8", ...changes }));
}

describe("parseRefundMoney", () => {
  test("requires platForm and order_id only", () => {
    const expected = { ok: true, value: { orderId: 8, refundFen: null, appRefundNo: null } };
    expect(parse({})).toEqual(expected);
    expect(parse({ refundFree: "", appRefundNo: "" })).toEqual(expected);
  });

  test("accepts a partial amount and the app's own number", () => {
    expect(parse({ refundFree: "5", appRefundNo: "r-1" })).toEqual({
      ok: true,
      value: { orderId: 8, refundFen: 5, appRefundNo: "r-1" },
    });
  });

  test.each<[Fields, string]>([
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
