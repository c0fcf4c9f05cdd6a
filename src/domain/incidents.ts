/**
 * What the gateway can't mend by itself and a person has to look at. Pure: the kinds, and what to do
 * about each.
 */

export const INCIDENT_KINDS = [
  "payment_contradiction",
  "payment_of_unknown_order",
  "payment_outcome_unknown",
  "refund_contradiction",
  "refund_unknown_to_wechat",
  "refund_outcome_unknown",
  "refund_abnormal",
  "delivery_exhausted",
  "bill_line_unknown",
  "bill_amount_differs",
  "bill_state_differs",
  "bill_line_missing",
  "bill_unreadable",
  "bill_too_many_differences",
] as const;

export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** Plain facts for the person who looks. Never a secret, never an openId. */
export type IncidentFacts = Readonly<Record<string, string | number | boolean | null>>;

/** Something for a person. The same kind and subject again is the same incident until resolved. */
export interface Incident {
  readonly kind: IncidentKind;
  /** Within its kind: an order's or a refund's number, a line of a bill. */
  readonly subject: string;
  readonly merchantId: number | null;
  readonly orderNumber: string | null;
  /** The request that found it; null for an alarm or a job. */
  readonly requestId: string | null;
  readonly facts: IncidentFacts;
}

/** What a person should do about it, in one or two sentences. */
export function adviceOn(kind: IncidentKind): string {
  switch (kind) {
    case "payment_contradiction":
      return "WeChat reports a payment that isn't this order's (facts.what). Nothing was booked. Compare with the merchant platform first: a key may be shared with another system, or somebody forges.";
    case "payment_of_unknown_order":
      return "A rightly signed payment names an order that isn't in the database. Another system uses this merchant with the gateway's notify URL, or the database was restored: find the payer in the merchant platform and refund or book by hand.";
    case "payment_outcome_unknown":
      return "WeChat has given no usable answer about this order for over an hour after its expiry. The gateway goes on asking. Look at the order's timeline for the reason, then at the merchant's credentials and at WeChat's state.";
    case "refund_contradiction":
      return "WeChat reports another amount for this refund. Nothing was booked. Compare with the merchant platform, then settle the difference with the payer by hand.";
    case "refund_unknown_to_wechat":
      return "WeChat accepted this refund and doesn't know it any more. The gateway goes on asking. Look for it in the merchant platform before refunding otherwise.";
    case "refund_outcome_unknown":
      return "Whether WeChat has taken this refund has been unknown for over an hour. The gateway goes on asking under the same number. Look at the order's timeline for the reason; don't refund otherwise until it is known.";
    case "refund_abnormal":
      return "The payer's card or account can't take the money. Handle the abnormal refund in the merchant platform (another account of the payer, or by hand); the gateway notices by itself.";
    case "delivery_exhausted":
      return "The app hasn't confirmed in about a day. The order's timeline shows its answers: mend the app, then redeliver.";
    case "bill_line_unknown":
      return "The bill has a trade that the record hasn't. If another system uses this merchant, resolve it; else the database has lost an order: compare with the merchant platform.";
    case "bill_amount_differs":
      return "The bill and the record name different amounts for the same trade. Compare with the merchant platform and settle the difference by hand.";
    case "bill_state_differs":
      return "The bill has this trade as done, and WeChat, asked again, did not confirm it. Run the day once more; if it stays, compare with the merchant platform.";
    case "bill_line_missing":
      return "The record has this trade as done on that day and the bill hasn't. Compare with the merchant platform before delivering anything for it.";
    case "bill_unreadable":
      return "WeChat's bill of this day can't be read (facts.reason). Download it in the merchant platform and compare by hand; report the format.";
    case "bill_too_many_differences":
      return "More differences than are listed one by one. A wrong merchant, day or database is likelier than so many faults: look at the first ones, mend the cause, run the day again.";
  }
}
