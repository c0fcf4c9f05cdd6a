import { describe, expect, test } from "vitest";
import {
  compareBillPayment,
  compareBillRefund,
  type OurRefund,
} from "../../../src/domain/bill/compare.ts";
import type { BillPayment, BillRefund } from "../../../src/domain/bill/line.ts";
import { REFUND_STATES } from "../../../src/domain/states.ts";

const bill: BillPayment = {
  kind: "payment",
  orderNumber: "order",
  transactionId: "42",
  wechatAppId: "wx1",
  totalFen: 100,
};
const ours = {
  id: 1,
  wechatAppId: "wx1",
  totalFen: 100,
  payState: "paid",
  transactionId: "42",
} as const;

describe("compareBillPayment", () => {
  test.for([
    ["agrees", ours],
    ["unknown", undefined],
    ["amount differs", { ...ours, totalFen: 101 }],
    ["amount differs", { ...ours, transactionId: "43" }],
    ["amount differs", { ...ours, wechatAppId: "wx2" }],
    ["state differs", { ...ours, payState: "waiting", transactionId: null }],
    ["state differs", { ...ours, payState: "failed", transactionId: null }],
    ["amount differs", { ...ours, totalFen: 99, payState: "waiting", transactionId: null }],
  ] as const)("returns %j for %j", ([comparison, row]) => {
    expect(compareBillPayment(bill, row)).toBe(comparison);
  });
});

test("compareBillPayment compares no appid with a bill that has none", () => {
  expect(compareBillPayment({ ...bill, wechatAppId: "" }, ours)).toBe("agrees");
});

describe("compareBillRefund", () => {
  const refund: BillRefund = {
    kind: "refund",
    orderNumber: "order",
    transactionId: "42",
    wechatAppId: "wx1",
    refundNo: "r",
    refundId: "50",
    refundFen: 10,
    status: "SUCCESS",
  };
  const row: OurRefund = {
    id: 1,
    orderNumber: "order",
    wechatAppId: "wx1",
    refundFen: 10,
    state: "succeeded",
  };

  test("compares the amount and the order number", () => {
    expect(compareBillRefund(refund, undefined)).toBe("unknown");
    expect(compareBillRefund(refund, { ...row, refundFen: 11 })).toBe("amount differs");
    expect(compareBillRefund(refund, { ...row, orderNumber: "another" })).toBe("amount differs");
    expect(compareBillRefund(refund, { ...row, wechatAppId: "wx2" })).toBe("amount differs");
  });

  test.for([
    ["SUCCESS", ["succeeded"]],
    ["PROCESSING", ["accepted", "abnormal", "closed", "succeeded"]],
    ["FAIL", ["refused", "abnormal", "closed"]],
    ["CHANGE", ["abnormal", "closed", "succeeded"]],
  ] as const)("accepts for status %s the states %j", ([status, agreeing]) => {
    const agreed = REFUND_STATES.filter(
      (state) => compareBillRefund({ ...refund, status }, { ...row, state }) === "agrees",
    );
    expect(agreed).toEqual(agreeing);
  });
});
