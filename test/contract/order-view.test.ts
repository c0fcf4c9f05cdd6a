import { describe, expect, test } from "vitest";
import { orderView, refundView } from "../../src/contract/order-view.ts";
import type { NotifyState, PayState, RefundState } from "../../src/domain/states.ts";
import { paidOrder, refund } from "./support.ts";

describe("orderView", () => {
  test("has exactly the contract's names and types", () => {
    const order = { ...paidOrder, attach: "a", appOrderNo: "A-1" };
    expect(
      orderView(order, [{ ...refund, number: "earlier", refundFen: 30 }, refund]),
    ).toStrictEqual({
      id: 30,
      pay_order_number: "b9422280c58b415cab0571c95c07607d",
      app_id: 1,
      platform: "1",
      sdk_type: "JSAPI",
      desc: "测试商品",
      total_free: 100,
      tag: "test",
      user_id: 7,
      pay_state: "2",
      ref_state: "4",
      pay_notify_state: "2",
      ref_notify_state: "1",
      transaction_id: "4008662001201707201798718285",
      pay_notify_number: 2,
      ref_notify_number: 3,
      refund_id: "50000503652017072001429513373",
      refund_no: "56bbb455865e4fd398f0ceecf58ecd25",
      create_time: 1_500_556_147,
      update_time: 1_500_556_639,
      attach: "a",
      app_order_no: "A-1",
      refund_free: 70,
      pay_time: 1_500_556_200,
    });
  });

  test("has null for the time of a payment that hasn't come", () => {
    expect(orderView({ ...paidOrder, paidAt: null }, []).pay_time).toBeNull();
  });

  test("has nulls and zeros for a waiting order's missing values", () => {
    const waiting = {
      ...paidOrder,
      payState: "waiting",
      transactionId: null,
      payNotifyState: "none",
      payNotifyNumber: 0,
    } as const;
    expect(orderView(waiting, [])).toMatchObject({
      pay_state: "0",
      ref_state: "0",
      pay_notify_state: "0",
      ref_notify_state: "0",
      transaction_id: null,
      pay_notify_number: 0,
      ref_notify_number: 0,
      refund_id: null,
      refund_no: null,
      update_time: 1_500_556_600,
      attach: null,
      app_order_no: null,
      refund_free: 0,
    });
  });

  test.each<[PayState, string]>([
    ["waiting", "0"],
    ["failed", "1"],
    ["paid", "2"],
  ])("shows pay_state %s as %s", (payState, code) => {
    expect(orderView({ ...paidOrder, payState }, []).pay_state).toBe(code);
  });

  test.each<[RefundState, string]>([
    ["requested", "0"],
    ["refused", "1"],
    ["accepted", "2"],
    ["abnormal", "3"],
    ["closed", "3"],
    ["succeeded", "4"],
  ])("shows ref_state %s as %s", (state, code) => {
    expect(orderView(paidOrder, [{ ...refund, state }]).ref_state).toBe(code);
  });

  test.each<[NotifyState, string]>([
    ["none", "0"],
    ["failing", "1"],
    ["confirmed", "2"],
  ])("shows both notify states %s as %s", (state, code) => {
    const view = orderView({ ...paidOrder, payNotifyState: state }, [
      { ...refund, notifyState: state },
    ]);
    expect(view.pay_notify_state).toBe(code);
    expect(view.ref_notify_state).toBe(code);
  });

  test("has the later update_time of the order and the refund", () => {
    expect(orderView(paidOrder, [{ ...refund, updatedAt: 1000 }]).update_time).toBe(1_500_556_600);
  });
});

describe("refundView", () => {
  test("has exactly the contract's names and types", () => {
    expect(refundView({ ...refund, appRefundNo: "R-1" })).toStrictEqual({
      refund_no: "56bbb455865e4fd398f0ceecf58ecd25",
      app_refund_no: "R-1",
      refund_id: "50000503652017072001429513373",
      refund_free: 40,
      ref_state: "4",
      refund_time: 1_500_556_630,
      create_time: 1_500_556_610,
      update_time: 1_500_556_639,
    });
  });

  test("has nulls for what a refund doesn't have yet", () => {
    const requested = { ...refund, state: "requested", refundId: null, succeededAt: null } as const;
    expect(refundView(requested)).toMatchObject({
      app_refund_no: null,
      refund_id: null,
      ref_state: "0",
      refund_time: null,
    });
  });
});
