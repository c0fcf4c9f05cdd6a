/**
 * Compares a verified report of a payment with the stored order before anything is recorded:
 * identity, then amount and attach, then state (W-49).
 */

import type { PayState } from "./states.ts";

/** The fields of a payment that are compared. */
export interface PaymentFacts {
  readonly wechatAppId: string;
  readonly totalFen: number;
  /** Empty for none; null when the report leaves it out. */
  readonly attach: string | null;
  readonly transactionId: string;
  readonly signType: string;
}

/** The fields of the stored order that are compared. */
export interface StoredOrder {
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly attach: string | null;
  readonly signType: string;
  readonly payState: PayState;
  readonly transactionId: string | null;
}

/** What contradicts the record: nothing is recorded, and a person must look. */
export type Contradiction =
  | "merchant"
  | "app"
  | "sign-type"
  | "amount"
  | "attach"
  /** The order is paid by another transaction. */
  | "transaction"
  /** The transaction has paid another order: found by the statement, not by `comparePayment`. */
  | "transaction-of-another-order";

export type PaymentComparison =
  /**
   * Record it, unless the transaction has paid another order. A failed (closed) order becomes paid
   * too: the payer's money has been received.
   */
  | { readonly kind: "record" }
  /** Already recorded, with the same transaction. */
  | { readonly kind: "repeat" }
  | { readonly kind: "contradiction"; readonly what: Contradiction };

/** Compares a verified payment with the stored order. `merchantId`: the merchant that it came for. */
export function comparePayment(
  order: StoredOrder,
  payment: PaymentFacts,
  merchantId: number,
): PaymentComparison {
  if (order.merchantId !== merchantId) return { kind: "contradiction", what: "merchant" };
  if (order.wechatAppId !== payment.wechatAppId) return { kind: "contradiction", what: "app" };
  // Accepting another algorithm would let a forger choose the weaker one.
  if (order.signType !== payment.signType) return { kind: "contradiction", what: "sign-type" };
  if (order.totalFen !== payment.totalFen) return { kind: "contradiction", what: "amount" };
  if (payment.attach !== null && payment.attach !== (order.attach ?? "")) {
    return { kind: "contradiction", what: "attach" };
  }
  if (order.payState !== "paid") return { kind: "record" };
  if (order.transactionId !== payment.transactionId) {
    return { kind: "contradiction", what: "transaction" };
  }
  return { kind: "repeat" };
}
