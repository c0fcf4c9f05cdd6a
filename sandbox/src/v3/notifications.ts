import type { NotificationFault } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import { beijingRfc3339 } from "../protocol/time.ts";
import { encrypt } from "./cipher.ts";
import { orderResource } from "./query-payment.ts";
import { REFUND_STATUSES, USER_RECEIVED_ACCOUNT } from "./query-refund.ts";
import type { Resource } from "./response.ts";
import { withWrongValues } from "./wrong-values.ts";

interface EventType {
  readonly type: string;
  readonly summary: string;
}

const PAYMENT_EVENT: EventType = { type: "TRANSACTION.SUCCESS", summary: "支付成功" };
const REFUND_EVENTS: Readonly<Record<RefundResult, EventType>> = {
  SUCCESS: { type: "REFUND.SUCCESS", summary: "退款成功" },
  CHANGE: { type: "REFUND.ABNORMAL", summary: "退款异常" },
  REFUNDCLOSE: { type: "REFUND.CLOSED", summary: "退款关闭" },
};

/**
 * The body of a payment notification, which is signed when it is sent. Null when the merchant has
 * no APIv3 key to encrypt it with (W-89).
 */
export function paymentNotification(
  order: Order,
  { apiV3Key }: Merchant,
  fault: NotificationFault | null,
  now: number,
): string | null {
  if (apiV3Key === null) return null;
  const paid: Order = { ...order, state: "SUCCESS", paidAt: order.paidAt ?? now };
  const resource = withWrongValues(orderResource(paid), fault);
  return eventBody(PAYMENT_EVENT, "transaction", resource, apiV3Key, now);
}

/**
 * The body of a refund notification: no appid, no currency, no channel; null as for payments.
 * See W-90.
 */
export function refundNotification(
  refund: Refund,
  order: Order,
  { apiV3Key }: Merchant,
  status: RefundResult,
  fault: NotificationFault | null,
  now: number,
): string | null {
  if (apiV3Key === null) return null;
  const succeededAt = status === "SUCCESS" ? (refund.succeededAt ?? now) : null;
  const resource = {
    mchid: refund.mchId,
    transaction_id: order.transactionId,
    out_trade_no: refund.outTradeNo,
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    refund_status: REFUND_STATUSES[status],
    ...(succeededAt === null ? {} : { success_time: beijingRfc3339(succeededAt) }),
    user_received_account: USER_RECEIVED_ACCOUNT,
    amount: {
      total: order.totalFee,
      refund: refund.refundFee,
      payer_total: order.totalFee,
      payer_refund: refund.refundFee,
    },
  };
  return eventBody(
    REFUND_EVENTS[status],
    "refund",
    withWrongValues(resource, fault),
    apiV3Key,
    now,
  );
}

function eventBody(
  { type, summary }: EventType,
  originalType: "transaction" | "refund",
  resource: Resource,
  apiV3Key: string,
  now: number,
): string {
  return JSON.stringify({
    id: crypto.randomUUID(),
    create_time: beijingRfc3339(now),
    resource_type: "encrypt-resource",
    event_type: type,
    summary,
    resource: {
      original_type: originalType,
      ...encrypt(JSON.stringify(resource), apiV3Key, originalType),
    },
  });
}
