/**
 * Why the rules refuse a call. Each protocol maps these reasons to its own codes and texts
 * (v2/error-codes.ts, v3/error-codes.ts).
 */
export type Refusal =
  | "no-order"
  | "no-transaction"
  | "order-paid"
  | "order-closed"
  | "order-repeated-otherwise"
  | "order-expires-too-soon"
  | "order-too-young-to-close"
  | "refund-above-total"
  | "refund-of-unpaid-order"
  | "refund-of-other-total"
  | "refund-too-late"
  | "refunded-in-full"
  | "refund-above-rest"
  | "too-many-refunds"
  | "refund-too-soon-after-another"
  | "refund-repeated-with-other-fees"
  | "refund-repeated-otherwise"
  | "no-refund";
