import { comparePayment, type Contradiction } from "../domain/payment.ts";
import { DELIVERY_CALLS } from "../contract/callback/schedule.ts";
import { markOrderPaid, findOrder } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import type { Payment } from "../wechat/types.ts";
import type { OrderContext } from "./context.ts";
import { resolvePaymentUnknown } from "./payment-known.ts";
import { openIncident } from "./incidents.ts";
import { RECORDING_GRACE_MS } from "./timers.ts";

/** How news of a payment ended. Only `booked` and `repeated` may be acknowledged. */
export type PaymentOutcome =
  | { readonly kind: "booked" }
  | { readonly kind: "repeated" }
  | { readonly kind: "absent" }
  | { readonly kind: "contradiction"; readonly what: Contradiction };

const DELIVERY_TIMER = { kind: "deliver-pay", refundNo: "" } as const;
const POLL_TIMER = { kind: "ask-payment", refundNo: "" } as const;

/**
 * The one way in which an order becomes paid, however the news came. The timer first, then one
 * compare-and-set: a crash at any point leaves either no change or a timer that will deliver it.
 *
 * Not queued behind the order's refunds: the statement is atomic by itself, and WeChat waits no
 * longer than 5 s for the acknowledgement.
 */
export async function recordPayment(
  context: OrderContext,
  payment: Payment,
  merchantId: number,
): Promise<PaymentOutcome> {
  const nowAt = Date.now();
  const { timers, timeline, db } = context;
  const graceAt = nowAt + RECORDING_GRACE_MS;
  const armed = await timers.armIfAbsent(DELIVERY_TIMER, graceAt);
  const booked = await markOrderPaid(
    db,
    { ...payment, number: payment.orderNumber, merchantId, paidAt: payment.paidAt ?? nowAt },
    nowAt,
  );
  if (booked !== null) {
    timeline.add(nowAt, "pay.booked", { transactionId: payment.transactionId });
    // Nobody needs to ask any more; left there, the timer would wake the object for nothing.
    await timers.armInsteadOf(POLL_TIMER, DELIVERY_TIMER, nowAt);
    await resolvePaymentUnknown(context, booked);
    return { kind: "booked" };
  }
  const order = await findOrder(db, payment.orderNumber);
  const settlement = order === null ? ABSENT : explain(order, payment, merchantId);
  if (armed) await releaseTimer(context, order, graceAt);
  await report(context, settlement, payment, merchantId, nowAt);
  return settlement;
}

/**
 * The timer was armed for a booking that was not to be. It goes, if it still is the one that this
 * call armed: another report may have booked the payment meanwhile and made it the delivery's.
 */
async function releaseTimer(
  { timers }: OrderContext,
  order: OrderRow | null,
  graceAt: number,
): Promise<void> {
  if (order?.payState === "paid" && needsDelivery(order)) {
    // Booked by another report, whose delivery may never have started: a crash came between.
    await timers.armUnlessBegun(DELIVERY_TIMER, Date.now());
    return;
  }
  await timers.remove({ ...DELIVERY_TIMER, attempt: 0, calls: 0, dueAt: graceAt });
}

const ABSENT = { kind: "absent" } as const;

function explain(order: OrderRow, payment: Payment, merchantId: number): PaymentOutcome {
  const verdict = comparePayment(order, payment, merchantId);
  switch (verdict.kind) {
    case "contradiction":
      return verdict;
    case "repeat":
      return { kind: "repeated" };
    case "book":
      // The statement saw another state than this reading: somebody else is just booking it.
      throw new Error("the order changed while its payment was being booked");
  }
}

/** A paid order whose app hasn't confirmed and whose schedule hasn't ended. */
function needsDelivery(order: OrderRow): boolean {
  return order.payNotifyState !== "confirmed" && order.payNotifyNumber < DELIVERY_CALLS;
}

/** Throws when an incident can't be stored: what reported the payment then comes again. */
async function report(
  context: OrderContext,
  settlement: PaymentOutcome,
  payment: Payment,
  merchantId: number,
  nowAt: number,
): Promise<void> {
  // The merchant is the one that reported it, for there a person finds the payment.
  const { transactionId, totalFen } = payment;
  const about = { refundNo: "", merchantId } as const;
  switch (settlement.kind) {
    case "booked":
      return;
    case "repeated":
      context.timeline.add(nowAt, "pay.repeated");
      return;
    case "absent":
      await openIncident(context, {
        ...about,
        kind: "payment_of_unknown_order",
        facts: { transactionId, totalFen },
      });
      return;
    case "contradiction":
      context.timeline.add(nowAt, "pay.contradiction", { what: settlement.what });
      await openIncident(context, {
        ...about,
        kind: "payment_contradiction",
        facts: { what: settlement.what, transactionId, totalFen },
      });
      return;
  }
}
