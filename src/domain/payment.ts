/**
 * Compares a verified report of a payment with the stored order before anything is recorded:
 * identity, then amount, then state (W-49).
 */

import type { PayState } from "./states.ts";

/** The fields of a payment that are compared. */
export interface PaymentFacts {
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly transactionId: string;
  readonly signType: string;
}

/** The fields of the stored order that are compared. */
export interface StoredOrder {
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly signType: string;
  readonly payState: PayState;
  readonly transactionId: string | null;
}

/** The field that contradicts the record: nothing is recorded, and a person must look. */
export type Contradiction = "merchant" | "app" | "sign-type" | "amount" | "transaction";

export type PaymentComparison =
  /** Record it. A failed (closed) order becomes paid too: the payer's money has been received. */
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
  if (order.payState !== "paid") return { kind: "record" };
  if (order.transactionId !== payment.transactionId) {
    return { kind: "contradiction", what: "transaction" };
  }
  return { kind: "repeat" };
}
