import { findOrderWithRefunds } from "../../db/refunds.ts";
import type { RefundRow } from "../../db/rows.ts";
import { NOT_ON_RECORD } from "../../domain/query-limit.ts";
import { isFinal, isOpen, isReportable } from "../../domain/refund.ts";
import { log } from "../../observability/log.ts";
import type { OrderContext } from "../context.ts";
import { importPlatformRefund } from "./import.ts";
import { queryRefund } from "./outcome.ts";
import { armRefundTimerIfAbsent } from "./timer.ts";

/** Which limit a query would have exceeded: its order's, or the one of all the merchant's orders. */
export type ExceededLimit = "order-queries" | "merchant-queries";

/** How a refund notification ended. Only `recorded` may be acknowledged. */
export type RefundNotificationOutcome =
  /** D1 has an outcome that the app is called about. */
  | { readonly kind: "recorded" }
  /** WeChat has confirmed none, or gave no usable answer. */
  | { readonly kind: "unconfirmed" }
  /** WeChat wasn't asked. Nothing is lost: WeChat repeats it, and the refund's own timer asks. */
  | { readonly kind: "limited"; readonly limit: ExceededLimit };

const UNCONFIRMED = { kind: "unconfirmed" } as const;

/**
 * A notification says that a refund of this order has moved on. It is only a reason to query, and
 * for an APIv2 one not a proof that WeChat sent it: so `take` counts each query before it is made.
 * The refund's timer was armed before the refund was stored, and stays as it is: a notification that
 * could postpone it, or start its polls again, would cost queries that nobody counts.
 *
 * @param merchantId the merchant whose notification it is
 * @param take counts a query of this share; null when it may be made
 */
export async function handleRefundNotification(
  context: OrderContext,
  { refundNo, merchantId }: { readonly refundNo: string; readonly merchantId: number },
  take: (merchantId: number, share: string) => Promise<ExceededLimit | null>,
): Promise<RefundNotificationOutcome> {
  const { meter, number, timeline } = context;
  const found = await findOrderWithRefunds(context.db, number);
  if (found === null || found.order.merchantId !== merchantId) {
    // Not an incident: an APIv2 notification doesn't prove that WeChat sent it.
    const { requestId } = meter;
    log("error", "refund_of_unknown_order", { requestId, order: number, refundNo, merchantId });
    return UNCONFIRMED;
  }
  const refund = found.refunds.find((candidate) => candidate.number === refundNo);
  // One that WeChat refused is queried too: an earlier request for it may have arrived late.
  if (refund !== undefined && isFinal(refund.state)) return outcomeOf(refund.state);
  const exceeded = await take(merchantId, refund?.number ?? NOT_ON_RECORD);
  if (exceeded !== null) return { kind: "limited", limit: exceeded };
  if (refund === undefined) {
    return outcomeOf(await importPlatformRefund(context, found.order, refundNo));
  }
  timeline.add(Date.now(), "refund.notified", { refundNo });
  if (isOpen(refund)) await armRefundTimerIfAbsent(context, refundNo);
  const queried = await queryRefund(context, refundNo, true);
  return outcomeOf(queried?.answered === true ? queried.state : null);
}

/** @param state null when there is no such refund, or WeChat gave no usable answer */
function outcomeOf(state: RefundRow["state"] | null): RefundNotificationOutcome {
  return state !== null && isReportable(state) ? { kind: "recorded" } : UNCONFIRMED;
}
