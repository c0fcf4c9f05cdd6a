/**
 * Problems that the gateway can't resolve by itself and a person has to look at: their kinds, and
 * what to do about each.
 */

export const INCIDENT_KINDS = [
  "payment_contradiction",
  "payment_of_unknown_order",
  "payment_outcome_unknown",
  "refund_contradiction",
  "refund_unknown_to_wechat",
  "refund_outcome_unknown",
  "refund_abnormal",
  "refund_day_limit",
  "delivery_exhausted",
  "bill_line_unknown",
  "bill_amount_differs",
  "bill_state_differs",
  "bill_line_missing",
  "bill_unreadable",
  "bill_too_many_differences",
  "merchant_key_refused",
  "merchant_refused",
  "merchant_balance_low",
  "merchant_certificate_refused",
  "merchant_api_v3_key_wrong",
  "merchant_public_key_missing",
] as const;

export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** Plain facts for the operator. Never a secret, never an openId. */
export type IncidentFacts = Readonly<Record<string, string | number | boolean | null>>;

/** A problem for the operator. The same kind and subject is the same incident until resolved. */
export interface Incident {
  readonly kind: IncidentKind;
  /** Unique within its kind: an order's or a refund's number, a line of a bill. */
  readonly subject: string;
  readonly merchantId: number | null;
  readonly orderNumber: string | null;
  /** The request that found it; null for an alarm or a job. */
  readonly requestId: string | null;
  readonly facts: IncidentFacts;
}

/** What the operator should do about an incident, in two or three sentences. */
export function adviceOn(kind: IncidentKind): string {
  switch (kind) {
    case "payment_contradiction":
      return "WeChat reports a payment that isn't this order's (facts.what; facts.otherOrder has the same transaction). Nothing was recorded, unless facts.recorded says so. Compare with the merchant platform first: a key may be shared with another system, or somebody may be forging payments.";
    case "payment_of_unknown_order":
      return "A correctly signed payment names an order that isn't in the database. Another system uses this merchant with the gateway's notify URL, or the database was restored: find the payer in the merchant platform and refund or record the payment by hand.";
    case "payment_outcome_unknown":
      return "WeChat has given no usable answer about this order for over an hour after its expiry. The gateway keeps asking. Look at the order's timeline for the reason, then at the merchant's credentials and WeChat's service status.";
    case "refund_contradiction":
      return "WeChat reports a different amount for this refund. Nothing was recorded. Compare with the merchant platform, then resolve the difference with the payer by hand.";
    case "refund_unknown_to_wechat":
      return "WeChat accepted this refund and no longer knows it. The gateway keeps asking. Look for it in the merchant platform before refunding in another way.";
    case "refund_outcome_unknown":
      return "It has been unknown for over an hour whether WeChat accepted this refund. The gateway keeps asking under the same number. Look at the order's timeline for the reason; don't refund in another way until the outcome is known.";
    case "refund_abnormal":
      return "The payer's card or account can't take the money. Handle the abnormal refund in the merchant platform (to another account of the payer, or by hand); the gateway detects the result by itself.";
    case "refund_day_limit":
      return "A refund was refused because the app's refunds of this day would exceed its maxRefundFenPerDay (facts.day in Beijing; facts.order is the last such order). If the app means them, raise the limit and let it repeat them. If not, set canRefund to false and rotate its salt.";
    case "delivery_exhausted":
      return "The app hasn't confirmed within about a day. The order's timeline shows its responses: fix the app, then redeliver.";
    case "bill_line_unknown":
      return "The bill has a trade that could be the gateway's, by its number and its appid, but is missing from the record. If another system uses this merchant with such numbers, resolve the incident; otherwise the database has lost an order: compare with the merchant platform.";
    case "bill_amount_differs":
      return "The bill and the record have another amount, transaction or appid for the same trade. Compare with the merchant platform and resolve the difference by hand.";
    case "bill_state_differs":
      return "The bill shows this trade as completed, but a query to WeChat didn't confirm it. Run the day again; if the difference remains, compare with the merchant platform.";
    case "bill_line_missing":
      return "The record shows this trade as completed on that day, but the bill doesn't have it. Compare with the merchant platform before delivering anything for it.";
    case "bill_unreadable":
      return "WeChat's bill of this day can't be read, or only that one line of it (facts.line); facts.reason says why. Download it in the merchant platform and compare that by hand; report the format.";
    case "bill_too_many_differences":
      return "There are more differences than are listed individually. A wrong merchant, day or database is more likely than that many faults: look at the first ones, fix the cause, run the day again.";
    case "merchant_key_refused":
      return "WeChat refuses this merchant's signatures, or signs its answers with a key that isn't stored (facts.api, facts.code): the APIv2 key, the API certificate or WeChat's public key was changed in the merchant platform. Enter the new one with PATCH /admin/merchants/:id. Orders and refunds wait until then.";
    case "merchant_refused":
      return "WeChat refuses this merchant's calls (facts.api, facts.code, facts.wechatAppId): a right isn't granted, the appid isn't bound to the merchant number, a number is wrong, or the account is limited. Mend it in the merchant platform; the next success of the same call resolves this.";
    case "merchant_balance_low":
      return "WeChat refuses refunds because the merchant's balance doesn't suffice. Top it up in the merchant platform, then let the apps repeat their refunds; they keep their numbers.";
    case "merchant_certificate_refused":
      return "WeChat refuses refunds for want of a valid client certificate (facts.code). Renew it in the merchant platform, upload it with wrangler mtls-certificate, and bind it under the merchant's certBinding.";
    case "merchant_api_v3_key_wrong":
      return "WeChat's rightly signed messages don't decrypt under the stored APIv3 key: it was changed in the merchant platform. Enter the new one (PATCH /admin/merchants/:id, apiV3Key). Until then payments are found by queries only.";
    case "merchant_public_key_missing":
      return "WeChat has begun to sign with its public key (facts.keyId), and the merchant has platform certificates only. Download the public key in the merchant platform and enter it (PATCH /admin/merchants/:id, verifyKeys). Until then such messages are refused.";
  }
}
