import { DELIVERY_CALLS } from "../contract/callback/schedule.ts";
import { wasOpenedSince } from "../db/incidents.ts";
import { findOrderWithRefunds } from "../db/refunds.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import { isOpen, isReportable } from "../domain/refund.ts";
import type { NotifyState } from "../domain/states.ts";
import type { OrderContext } from "./context.ts";
import { deliverySubject, openIncident } from "./incidents.ts";
import { refundNoOf, timerKey, type DeliveryName, type TimerName } from "./timers.ts";

/** The outcome of `ensureTimers`: the numbers of restored timers and opened incidents. */
export interface EnsuredTimers {
  readonly kind: "complete" | "restored";
  /** Timers. */
  readonly armed: number;
  /** Incidents about deliveries whose schedule has ended. */
  readonly incidents: number;
  /** Whether the alarm was missing, or set too late. */
  readonly woken: boolean;
}

const CLOSE_DELIVERY = { kind: "deliver-close" } as const;

const COMPLETE: EnsuredTimers = { kind: "complete", armed: 0, incidents: 0, woken: false };

/** A timer that an order in this state must have. */
interface RequiredTimer {
  readonly name: TimerName;
  /** Calls made to the app, for a delivery: it continues from there. */
  readonly calls: number;
  /** When a delivery's next call is due; null when that isn't known, or for a poll. */
  readonly nextCallAt: number | null;
}

/** A delivery whose schedule has ended without a confirmation. */
interface EndedDelivery {
  readonly name: DeliveryName;
  readonly lastCallAt: number;
  readonly calls: number;
}

/**
 * Arms the timers that this order must have and lacks: its object may have lost its storage, or may
 * never have been called for the order. Existing timers stay unchanged.
 *
 * @param delayMs how long from now a restored timer is due, unless its call is planned for later
 */
export async function ensureTimers(context: OrderContext, delayMs: number): Promise<EnsuredTimers> {
  const { db, number, timers, timeline } = context;
  // Before the record is read: a timer that runs meanwhile isn't missing.
  const existing = new Set(timers.all().map(timerKey));
  const found = await findOrderWithRefunds(db, number);
  if (found === null) return COMPLETE;
  const { order, refunds } = found;
  let armed = 0;
  const required = [...requiredByOrder(order), ...refunds.flatMap(requiredByRefund)];
  for (const { name, calls, nextCallAt } of required) {
    if (existing.has(timerKey(name))) continue;
    const dueAt = Math.max(Date.now() + delayMs, nextCallAt ?? 0);
    if (!(await timers.armIfAbsent(name, dueAt, calls))) continue;
    timeline.add(Date.now(), "timer.restored", { timer: name.kind, refundNo: refundNoOf(name) });
    armed += 1;
  }
  let incidents = 0;
  for (const ended of [...endedOfOrder(order), ...refunds.flatMap(endedOfRefund)]) {
    if (existing.has(timerKey(ended.name))) continue;
    if (await openOnce(context, order, ended)) incidents += 1;
  }
  const woken = await timers.wake();
  const complete = armed + incidents === 0 && !woken;
  return complete ? COMPLETE : { kind: "restored", armed, incidents, woken };
}

function requiredByOrder(order: OrderRow): RequiredTimer[] {
  switch (order.payState) {
    case "waiting":
      return [{ name: { kind: "poll-payment" }, calls: 0, nextCallAt: null }];
    case "failed": {
      const recorded = closeCalls(order);
      return recorded === null ? [] : requiredCalls(CLOSE_DELIVERY, recorded);
    }
    case "paid":
      return requiredCalls({ kind: "deliver-payment" }, paymentCalls(order));
  }
}

function requiredByRefund(refund: RefundRow): RequiredTimer[] {
  const { number: refundNo, state } = refund;
  const name = { kind: "poll-refund", refundNo } as const;
  const polls: RequiredTimer[] = isOpen(refund) ? [{ name, calls: 0, nextCallAt: null }] : [];
  if (!isReportable(state)) return polls;
  const delivery = { kind: "deliver-refund", refundNo } as const;
  return [...polls, ...requiredCalls(delivery, refundCalls(refund))];
}

/** The record of a delivery's calls. */
interface RecordedCalls {
  readonly state: NotifyState;
  readonly calls: number;
  readonly nextCallAt: number | null;
  readonly lastCallAt: number;
}

function paymentCalls(order: OrderRow): RecordedCalls {
  const { payNotifyState: state, payNotifyNumber: calls, nextCallAt, updatedAt } = order;
  return { state, calls, nextCallAt, lastCallAt: updatedAt };
}

/** Null when the app isn't called about it, or no longer. */
function closeCalls(order: OrderRow): RecordedCalls | null {
  const { payState, closeNotifyState: state, closeNotifyNumber: calls, updatedAt } = order;
  if (payState !== "failed" || state === null) return null;
  return { state, calls, nextCallAt: order.closeNextCallAt, lastCallAt: updatedAt };
}

function refundCalls(refund: RefundRow): RecordedCalls {
  const { notifyState: state, notifyNumber: calls, nextCallAt, updatedAt } = refund;
  return { state, calls, nextCallAt, lastCallAt: updatedAt };
}

function requiredCalls(name: DeliveryName, recorded: RecordedCalls): RequiredTimer[] {
  const { state, calls, nextCallAt } = recorded;
  switch (state) {
    case "confirmed":
      return [];
    case "none":
      // The count belongs to an earlier state: of this one nothing has been delivered.
      return [{ name, calls: 0, nextCallAt: null }];
    case "failing":
      return hasEnded(recorded) ? [] : [{ name, calls, nextCallAt }];
  }
}

function endedOfOrder(order: OrderRow): EndedDelivery[] {
  const close = closeCalls(order);
  return [
    ...endedCalls({ kind: "deliver-payment" }, paymentCalls(order)),
    ...(close === null ? [] : endedCalls(CLOSE_DELIVERY, close)),
  ];
}

function endedOfRefund(refund: RefundRow): EndedDelivery[] {
  return endedCalls({ kind: "deliver-refund", refundNo: refund.number }, refundCalls(refund));
}

function endedCalls(name: DeliveryName, recorded: RecordedCalls): EndedDelivery[] {
  const { calls, lastCallAt } = recorded;
  return hasEnded(recorded) ? [{ name, lastCallAt, calls }] : [];
}

/**
 * Whether all calls have failed and no other is planned. A redelivery goes beyond the schedule's
 * number of calls; a row from before plans were stored has none, and its number says it.
 */
function hasEnded({ state, calls, nextCallAt }: RecordedCalls): boolean {
  return state === "failing" && nextCallAt === null && calls >= DELIVERY_CALLS;
}

/** Opens none if one was opened after the last call, even if resolved: a person decided that. */
async function openOnce(
  context: OrderContext,
  order: OrderRow,
  { name, lastCallAt, calls }: EndedDelivery,
): Promise<boolean> {
  const kind = "delivery_exhausted";
  const subject = deliverySubject(context.number, name);
  if (await wasOpenedSince(context.db, { kind, subject }, lastCallAt)) return false;
  await openIncident(context, {
    kind,
    refundNo: refundNoOf(name),
    subject,
    merchantId: order.merchantId,
    facts: { app: order.appId, calls },
  });
  return true;
}
