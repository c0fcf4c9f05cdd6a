import { DELIVERY_CALLS } from "../contract/callback/schedule.ts";
import { isReportable, isFinal } from "../domain/refund.ts";
import { wasOpenedSince } from "../db/incidents.ts";
import { findOrderWithRefunds } from "../db/refunds.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import type { OrderContext } from "./context.ts";
import { openIncident, subjectOf } from "./incidents.ts";
import type { TimerName } from "./timers.ts";

/** What was missing of an order's timers and is there now. */
export interface EnsuredTimers {
  readonly kind: "complete" | "rearmed";
  /** Timers. */
  readonly armed: number;
  /** Incidents about deliveries that nobody makes any more. */
  readonly raised: number;
  /** Whether the alarm was missing, or set too late. */
  readonly woken: boolean;
}

/** A timer that an order in this state must have. */
interface Owed {
  readonly name: TimerName;
  /** Calls made to the app, for a delivery: it goes on where it was. */
  readonly calls: number;
}

/** A delivery whose schedule has ended. */
interface Ended {
  readonly refundNo: string;
  readonly lastCallAt: number;
  readonly calls: number;
}

/**
 * Arms what an order that isn't through with everything must have and hasn't: its object may have
 * lost its storage, or never have heard of the order. A timer that is there is left as it is.
 *
 * @param delayMs how long from now what was missing is due
 */
export async function ensureTimers(context: OrderContext, delayMs: number): Promise<EnsuredTimers> {
  const { db, number, timers, timeline } = context;
  // Before the record is read: a timer that does its work meanwhile isn't missing.
  const there = new Set(timers.all().map(key));
  const found = await findOrderWithRefunds(db, number);
  if (found === null) return COMPLETE;
  const { order, refunds } = found;
  let armed = 0;
  for (const { name, calls } of [...owedOfOrder(order), ...refunds.flatMap(owedOfRefund)]) {
    if (there.has(key(name))) continue;
    if (!(await timers.armIfAbsent(name, Date.now() + delayMs, calls))) continue;
    timeline.add(Date.now(), "timer.rearmed", { timer: name.kind, refundNo: name.refundNo });
    armed += 1;
  }
  let raised = 0;
  for (const ended of [...endedOfOrder(order), ...refunds.flatMap(endedOfRefund)]) {
    if (there.has(key(deliveryOf(ended.refundNo)))) continue;
    if (await openOnce(context, order, ended)) raised += 1;
  }
  const woken = await timers.wake();
  const complete = armed + raised === 0 && !woken;
  return complete ? COMPLETE : { kind: "rearmed", armed, raised, woken };
}

const COMPLETE: EnsuredTimers = { kind: "complete", armed: 0, raised: 0, woken: false };

function owedOfOrder(order: OrderRow): Owed[] {
  switch (order.payState) {
    case "waiting":
      return [{ name: { kind: "ask-payment", refundNo: "" }, calls: 0 }];
    case "failed":
      return [];
    case "paid":
      return owedCalls("", order.payNotifyState, order.payNotifyNumber);
  }
}

function owedOfRefund(refund: RefundRow): Owed[] {
  const { number, state } = refund;
  // What WeChat refused is asked for again by the app only.
  const asks: Owed[] =
    isFinal(state) || state === "refused"
      ? []
      : [{ name: { kind: "ask-refund", refundNo: number }, calls: 0 }];
  if (!isReportable(state)) return asks;
  return [...asks, ...owedCalls(number, refund.notifyState, refund.notifyNumber)];
}

function owedCalls(refundNo: string, state: OrderRow["payNotifyState"], calls: number): Owed[] {
  switch (state) {
    case "confirmed":
      return [];
    case "none":
      // The count is that of earlier news: of this one nothing has been told.
      return [{ name: deliveryOf(refundNo), calls: 0 }];
    case "failing":
      return calls < DELIVERY_CALLS ? [{ name: deliveryOf(refundNo), calls }] : [];
  }
}

function endedOfOrder({ payNotifyState, payNotifyNumber, updatedAt }: OrderRow): Ended[] {
  return hasEnded(payNotifyState, payNotifyNumber)
    ? [{ refundNo: "", lastCallAt: updatedAt, calls: payNotifyNumber }]
    : [];
}

function endedOfRefund({ number, notifyState, notifyNumber, updatedAt }: RefundRow): Ended[] {
  return hasEnded(notifyState, notifyNumber)
    ? [{ refundNo: number, lastCallAt: updatedAt, calls: notifyNumber }]
    : [];
}

function hasEnded(state: OrderRow["payNotifyState"], calls: number): boolean {
  return state === "failing" && calls >= DELIVERY_CALLS;
}

/** Unless it was raised after the last call, be it resolved since: a person's word stands. */
async function openOnce(context: OrderContext, order: OrderRow, ended: Ended): Promise<boolean> {
  const { refundNo, lastCallAt, calls } = ended;
  const name = {
    kind: "delivery_exhausted",
    subject: subjectOf(context.number, refundNo),
  } as const;
  if (await wasOpenedSince(context.db, name, lastCallAt)) return false;
  await openIncident(context, {
    kind: name.kind,
    refundNo,
    merchantId: order.merchantId,
    facts: { app: order.appId, calls },
  });
  return true;
}

function deliveryOf(refundNo: string): TimerName {
  return { kind: refundNo === "" ? "deliver-pay" : "deliver-refund", refundNo };
}

function key({ kind, refundNo }: TimerName): string {
  return `${kind} ${refundNo}`;
}
