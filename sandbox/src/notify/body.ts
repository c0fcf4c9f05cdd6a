import type { NotificationFault } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import * as v2 from "../v2/notifications.ts";
import * as v3 from "../v3/notifications.ts";

/**
 * The body of a payment notification in the order's protocol. Null when there is none: without an
 * APIv3 key a merchant gets no APIv3 notification.
 */
export function paymentBody(
  order: Order,
  merchant: Merchant,
  fault: NotificationFault | null,
  now: number,
): string | null {
  const { signType } = order;
  return signType === "RSA"
    ? v3.paymentNotification(order, merchant, fault, now)
    : v2.paymentNotification({ ...order, signType }, merchant, fault, now);
}

/** The body of a refund notification in the refund's protocol; null as for payments. */
export function refundBody(
  refund: Refund,
  order: Order,
  merchant: Merchant,
  status: RefundResult,
  fault: NotificationFault | null,
  now: number,
): string | null {
  switch (refund.protocol) {
    case "v2":
      return v2.refundNotification(refund, order, merchant, status, fault, now);
    case "v3":
      return v3.refundNotification(refund, order, merchant, status, fault, now);
  }
}
