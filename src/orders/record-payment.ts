import { DELIVERY_CALLS } from "../contract/callback/schedule.ts";
import { findNumberOfTransaction, findOrder, markOrderPaid } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import { comparePayment, type Contradiction } from "../domain/payment.ts";
import type { Payment } from "../wechat/types.ts";
import type { OrderContext } from "./context.ts";
import { deliverySubject, openIncident, resolveIncident } from "./incidents.ts";
import { resolvePaymentUnknown } from "./payment-known.ts";
import type { PaymentSource } from "./timeline.ts";
import { RECORDING_GRACE_MS } from "./timers.ts";

/** How a reported payment ended. Only `recorded` and `repeated` may be acknowledged. */
export type PaymentOutcome =
  | { readonly kind: "recorded" }
  | { readonly kind: "repeated" }
  | { readonly kind: "absent" }
  | {
      readonly kind: "contradiction";
      readonly what: Contradiction;
      /** For `transaction-of-another-order`: the number of that order. */
      readonly otherOrder?: string;
    };

const DELIVERY_TIMER = { kind: "deliver-payment" } as const;
const CLOSE_DELIVERY = { kind: "deliver-close" } as const;
const POLL_TIMER = { kind: "poll-payment" } as const;
const ABSENT = { kind: "absent" } as const;

/**
 * The only way in which an order becomes paid, whether WeChat notified us, answered a query, or the
 * bill led to a query. The timer first, then one compare-and-set: a crash at any point leaves either
 * no change or a timer that will deliver it.
 *
 * Not queued behind the order's refunds: the statement is atomic by itself, and WeChat waits no
 * longer than 5 s for the acknowledgement.
 */
export async function recordPayment(
  context: OrderContext,
  payment: Payment,
  merchantId: number,
  by: PaymentSource,
): Promise<PaymentOutcome> {
  const nowAt = Date.now();
  const { timers, timeline, db } = context;
  const graceAt = nowAt + RECORDING_GRACE_MS;
  const armed = await timers.armIfAbsent(DELIVERY_TIMER, graceAt);
  const recorded = await markOrderPaid(
    db,
    { ...payment, number: payment.orderNumber, merchantId, paidAt: payment.paidAt ?? nowAt },
    nowAt,
  );
  if (recorded !== null) {
    timeline.add(nowAt, "payment.recorded", { by, transactionId: payment.transactionId });
    // No poll is needed any more; its timer would wake the object for nothing.
    await timers.replace(POLL_TIMER, DELIVERY_TIMER, nowAt);
    await endCloseDelivery(context, recorded);
    await resolvePaymentUnknown(context, recorded);
    return { kind: "recorded" };
  }
  const order = await findOrder(db, payment.orderNumber);
  const outcome = order === null ? ABSENT : await explain(context, order, payment, merchantId);
  if (armed) await releaseTimer(context, order, graceAt);
  await report(context, outcome, { payment, merchantId, by }, nowAt);
  return outcome;
}

/** The app was being told that the order had ended unpaid: no longer. */
async function endCloseDelivery(context: OrderContext, order: OrderRow): Promise<void> {
  const { timers, number } = context;
  if (order.closeNotifyState === null) return;
  const timer = timers.find(CLOSE_DELIVERY);
  if (timer !== undefined) await timers.remove(timer);
  if (order.closeNotifyNumber < DELIVERY_CALLS) return;
  const subject = deliverySubject(number, CLOSE_DELIVERY);
  await resolveIncident(
    context,
    { kind: "delivery_exhausted", refundNo: null, subject },
    "The gateway: the order has been paid since.",
  );
}

/**
 * This call recorded no payment: removes the timer that it armed, unless another report has recorded
 * the payment since and made the timer the delivery's.
 */
async function releaseTimer(
  { timers }: OrderContext,
  order: OrderRow | null,
  graceAt: number,
): Promise<void> {
  if (order?.payState === "paid" && needsDelivery(order)) {
    // Recorded by another report, whose delivery may never have started: a crash came between.
    await timers.armUnlessBegun(DELIVERY_TIMER, Date.now());
    return;
  }
  await timers.remove({ ...DELIVERY_TIMER, attempt: 0, calls: 0, dueAt: graceAt });
}

async function explain(
  { db }: OrderContext,
  order: OrderRow,
  payment: Payment,
  merchantId: number,
): Promise<PaymentOutcome> {
  const comparison = comparePayment(order, payment, merchantId);
  switch (comparison.kind) {
    case "contradiction":
      return comparison;
    case "repeat":
      return { kind: "repeated" };
    case "record": {
      const otherOrder = await findNumberOfTransaction(db, merchantId, payment.transactionId);
      if (otherOrder !== null && otherOrder !== order.number) {
        return { kind: "contradiction", what: "transaction-of-another-order", otherOrder };
      }
      // The statement saw another state than this reading: another report is recording it now.
      throw new Error("the order changed while its payment was being recorded");
    }
  }
}

/** A paid order whose app hasn't confirmed and whose schedule hasn't ended. */
function needsDelivery(order: OrderRow): boolean {
  return order.payNotifyState !== "confirmed" && order.payNotifyNumber < DELIVERY_CALLS;
}

/** Throws when an incident can't be stored: WeChat then reports the payment again. */
async function report(
  context: OrderContext,
  outcome: PaymentOutcome,
  {
    payment,
    merchantId,
    by,
  }: { readonly payment: Payment; readonly merchantId: number; readonly by: PaymentSource },
  nowAt: number,
): Promise<void> {
  const { transactionId, totalFen } = payment;
  // The merchant that reported it: a person finds the payment in its account.
  const about = { refundNo: null, merchantId } as const;
  switch (outcome.kind) {
    case "recorded":
      return;
    case "repeated":
      context.timeline.add(nowAt, "payment.repeated");
      return;
    case "absent":
      await openIncident(context, {
        ...about,
        kind: "payment_of_unknown_order",
        facts: { transactionId, totalFen },
      });
      return;
    case "contradiction":
      context.timeline.add(nowAt, "payment.contradiction", { by, what: outcome.what });
      await openIncident(context, {
        ...about,
        kind: "payment_contradiction",
        facts: {
          what: outcome.what,
          transactionId,
          totalFen,
          ...(outcome.otherOrder === undefined ? {} : { otherOrder: outcome.otherOrder }),
        },
      });
      return;
  }
}
