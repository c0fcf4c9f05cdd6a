import { impossible } from "../exhaustive.ts";
import type { NotificationFault } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import { paymentMessage, refundMessage } from "../v2/messages.ts";
import { paymentEvent, refundEvent } from "../v3/events.ts";

/**
 * The body of a payment notification, in the order's protocol. Null when it can't be written:
 * WeChat sends no APIv3 notification to a merchant that has no APIv3 key.
 */
export function paymentBody(
  order: Order,
  merchant: Merchant,
  fault: NotificationFault | undefined,
  now: number,
): string | null {
  const { signType } = order;
  return signType === "RSA"
    ? paymentEvent(order, merchant, fault, now)
    : paymentMessage({ ...order, signType }, merchant, fault, now);
}

/** The body of a refund notification, in the refund's protocol; null as for payments. */
export function refundBody(
  refund: Refund,
  order: Order,
  merchant: Merchant,
  status: RefundResult,
  fault: NotificationFault | undefined,
  now: number,
): string | null {
  switch (refund.protocol) {
    case "v2":
      return refundMessage(refund, order, merchant, status, fault, now);
    case "v3":
      return refundEvent(refund, order, merchant, status, fault, now);
  }
  return impossible(refund.protocol);
}
