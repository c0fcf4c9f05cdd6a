/**
 * Why the rules say no, whatever protocol asks. Each protocol has a code and a text of its own for
 * each of these; that table is most of what the protocols differ in.
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

/** What the rules say to a call. */
export type Ruling<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export function allowed<T>(value: T): Ruling<T> {
  return { ok: true, value };
}

export function forbidden<T>(refusal: Refusal): Ruling<T> {
  return { ok: false, refusal };
}
