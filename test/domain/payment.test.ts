import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { comparePayment, type PaymentFacts, type StoredOrder } from "../../src/domain/payment.ts";

const MERCHANT = 7;
const payment: PaymentFacts = {
  wechatAppId: "wx1",
  totalFen: 100,
  attach: "",
  transactionId: "T1",
  signType: "HMAC-SHA256",
};
const waiting: StoredOrder = {
  merchantId: MERCHANT,
  wechatAppId: "wx1",
  totalFen: 100,
  attach: null,
  signType: "HMAC-SHA256",
  payState: "waiting",
  transactionId: null,
};
const paid: StoredOrder = { ...waiting, payState: "paid", transactionId: "T1" };

describe("comparePayment", () => {
  test("records the payment of a waiting or failed order", () => {
    expect(comparePayment(waiting, payment, MERCHANT)).toEqual({ kind: "record" });
    const failed = { ...waiting, payState: "failed" } as const;
    expect(comparePayment(failed, payment, MERCHANT)).toEqual({ kind: "record" });
  });

  test("returns repeat for an order paid by the same transaction", () => {
    expect(comparePayment(paid, payment, MERCHANT)).toEqual({ kind: "repeat" });
  });

  test.for([
    ["merchant", {}, 8],
    ["app", { wechatAppId: "wx2" }, MERCHANT],
    ["sign-type", { signType: "MD5" }, MERCHANT],
    ["amount", { totalFen: 99 }, MERCHANT],
    ["attach", { attach: "another" }, MERCHANT],
  ] as const)(
    "returns a contradiction for another %s, whatever the order's state",
    ([what, change, merchant]) => {
      for (const payState of ["waiting", "failed", "paid"] as const) {
        const stored = { ...paid, payState };
        const comparison = comparePayment(stored, { ...payment, ...change }, merchant);
        expect(comparison).toEqual({ kind: "contradiction", what });
      }
    },
  );

  test("returns a contradiction for a second transaction of a paid order only", () => {
    const second = { ...payment, transactionId: "T2" };
    expect(comparePayment(paid, second, MERCHANT)).toEqual({
      kind: "contradiction",
      what: "transaction",
    });
    expect(comparePayment(waiting, second, MERCHANT)).toEqual({ kind: "record" });
  });

  test("records a payment only when all identifying fields agree", () => {
    const facts = fc.record({
      wechatAppId: fc.constantFrom("wx1", "wx2"),
      totalFen: fc.constantFrom(99, 100, 101),
      attach: fc.constantFrom("", "another"),
      transactionId: fc.constantFrom("T1", "T2"),
      signType: fc.constantFrom("MD5", "HMAC-SHA256"),
    });
    const states = fc.constantFrom("waiting", "failed", "paid");
    fc.assert(
      fc.property(facts, states, fc.constantFrom(7, 8), (reported, payState, merchant) => {
        const stored = { ...paid, payState };
        const { transactionId: _reported, ...identity } = reported;
        const { transactionId: _expected, ...expected } = payment;
        const agrees =
          merchant === MERCHANT && JSON.stringify(identity) === JSON.stringify(expected);
        const { kind } = comparePayment(stored, reported, merchant);
        if (kind === "record") expect(agrees && payState !== "paid").toBe(true);
        if (kind === "repeat") expect(agrees && reported.transactionId === "T1").toBe(true);
        if (!agrees) expect(kind).toBe("contradiction");
      }),
      { numRuns: 500 },
    );
  });
});
