import type { PaymentAnswer } from "./types.ts";

/**
 * What a `trade_state` says of the payment; both protocols have the same words (W-30).
 * Null for one that isn't listed. REFUND is paid: how the refund went, only its own query tells.
 */
export function readTradeState(
  state: string,
): Extract<PaymentAnswer["kind"], "paid" | "waiting" | "closed"> | null {
  switch (state) {
    case "SUCCESS":
    case "REFUND":
      return "paid";
    case "NOTPAY":
    case "USERPAYING":
    case "ACCEPT":
      return "waiting";
    case "CLOSED":
    case "REVOKED":
    case "PAYERROR":
      return "closed";
    default:
      return null;
  }
}
