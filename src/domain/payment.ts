/**
 * What verified news of a payment means for the stored order. WeChat's answer is compared with the
 * record before anything is booked: identity, then amount, then state (WeChat: payment notification).
 */

/** The part of a payment that is compared. */
export interface PaymentFacts {
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly transactionId: string;
  readonly signType: string;
}

/** The part of the stored order that is compared. */
export interface StoredOrder {
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly totalFen: number;
  readonly signType: string;
  readonly payState: "waiting" | "failed" | "paid";
  readonly transactionId: string | null;
}

/** Where the news contradicts the record: a person must look, nothing is booked. */
export type Contradiction = "merchant" | "app" | "sign-type" | "amount" | "transaction";

export type PaymentComparison =
  /** Book it: also a failed (closed) order becomes paid, for the payer's money is there. */
  | { readonly kind: "record" }
  /** Booked before, by the same transaction. */
  | { readonly kind: "repeat" }
  | { readonly kind: "contradiction"; readonly what: Contradiction };

/** Compares verified news of a payment with the stored order. */
export function comparePayment(
  order: StoredOrder,
  payment: PaymentFacts,
  merchantId: number,
): PaymentComparison {
  if (order.merchantId !== merchantId) return { kind: "contradiction", what: "merchant" };
  if (order.wechatAppId !== payment.wechatAppId) return { kind: "contradiction", what: "app" };
  // An algorithm other than the order's own would let the weaker one forge for the stronger.
  if (order.signType !== payment.signType) return { kind: "contradiction", what: "sign-type" };
  if (order.totalFen !== payment.totalFen) return { kind: "contradiction", what: "amount" };
  if (order.payState !== "paid") return { kind: "record" };
  if (order.transactionId !== payment.transactionId) {
    return { kind: "contradiction", what: "transaction" };
  }
  return { kind: "repeat" };
}
