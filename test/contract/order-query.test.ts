import { describe, expect, test } from "vitest";
import { parseOrderQuery } from "../../src/contract/order-query.ts";
import { parametersOf, refusalOf } from "./support.ts";

type Fields = Record<string, string | undefined>;

function parse(fields: Fields) {
  return parseOrderQuery(parametersOf(fields));
}

describe("parseOrderQuery", () => {
  test.each<[Fields, unknown]>([
    [{ order_id: "30" }, { by: { kind: "id", orderId: 30 }, sync: false, refunds: false }],
    [
      { order_id: "30", appOrderNo: "" },
      { by: { kind: "id", orderId: 30 }, sync: false, refunds: false },
    ],
    [
      { appOrderNo: "A-1" },
      { by: { kind: "app-order-no", appOrderNo: "A-1" }, sync: false, refunds: false },
    ],
    [
      { order_id: "30", sync: "1" },
      { by: { kind: "id", orderId: 30 }, sync: true, refunds: false },
    ],
    [
      { order_id: "30", sync: "0" },
      { by: { kind: "id", orderId: 30 }, sync: false, refunds: false },
    ],
    [
      { order_id: "30", refunds: "1" },
      { by: { kind: "id", orderId: 30 }, sync: false, refunds: true },
    ],
    [
      { order_id: "30", refunds: "0" },
      { by: { kind: "id", orderId: 30 }, sync: false, refunds: false },
    ],
    [
      { order_id: "30", sync: "" },
      { by: { kind: "id", orderId: 30 }, sync: false, refunds: false },
    ],
  ])("accepts %j", (fields, value) => {
    expect(parse(fields)).toEqual({ ok: true, value });
  });

  test.each<[Fields, string]>([
    [{ orderId: "30" }, "order_id 必传（或改传 appOrderNo）（收到了名称相近的 orderId）"],
    [{ sync: "2" }, "sync 只能是 0 或 1；order_id 必传（或改传 appOrderNo）"],
    [
      { sync: "2", order_id: "30", appOrderNo: "A-1" },
      "sync 只能是 0 或 1；order_id 与 appOrderNo 只能传一个",
    ],
    [{}, "order_id 必传（或改传 appOrderNo）"],
    [{ order_id: "30", refunds: "yes" }, "refunds 只能是 0 或 1"],
    [{ order_id: "", appOrderNo: "" }, "order_id 必传（或改传 appOrderNo）"],
    [{ order_id: "30", appOrderNo: "A-1" }, "order_id 与 appOrderNo 只能传一个"],
    [{ order_id: "0" }, "order_id 必须是不小于 1 的整数"],
    [{ order_id: "x" }, "order_id 必须是不小于 1 的整数"],
    [{ order_id: "9007199254740992" }, "order_id 不能大于"],
    [{ appOrderNo: "a b" }, "appOrderNo 只能由"],
    [{ order_id: "30", sync: "true" }, "sync 只能是 0 或 1"],
    [{ order_id: "30", sync: "2" }, "sync 只能是 0 或 1"],
  ])("refuses %j: %s", (fields, detail) => {
    expect(refusalOf(parse(fields))).toContain(detail);
  });
});
