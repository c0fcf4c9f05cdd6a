import type { PaymentAnswer } from "./types.ts";

/**
 * The payment's state for a `trade_state`, which both protocols share (W-30). Null for an unlisted
 * value. REFUND means paid: the refund's outcome comes from the refund query.
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
