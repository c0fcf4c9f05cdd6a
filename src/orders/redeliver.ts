import { findOrderWithRefunds } from "../db/refunds.ts";
import type { RefundRow } from "../db/rows.ts";
import { isReportable } from "../domain/refund.ts";
import type { DeliveryEvent } from "../domain/states.ts";
import type { OrderContext } from "./context.ts";

/** How a request to call the app again ended. */
export type Redelivery = "armed" | "nothing to deliver" | "no such refund" | "unavailable";

/**
 * Calls the app again, from the start of the schedule, however earlier calls ended.
 *
 * @param refundNo the refund; null selects the latest one in a reportable state
 * @param delayMs the time until the first call
 */
export async function redeliver(
  { db, number, timers }: OrderContext,
  event: DeliveryEvent,
  refundNo: string | null,
  delayMs: number,
): Promise<Redelivery> {
  const found = await findOrderWithRefunds(db, number);
  const dueAt = Date.now() + delayMs;
  if (event === "pay") {
    if (found?.order.payState !== "paid") return "nothing to deliver";
    await timers.arm({ kind: "deliver-payment" }, dueAt);
    return "armed";
  }
  if (event === "close") {
    if (found?.order.payState !== "failed" || found.order.closeNotifyState === null) {
      return "nothing to deliver";
    }
    await timers.arm({ kind: "deliver-close" }, dueAt);
    return "armed";
  }
  const refunds = found?.refunds ?? [];
  const refund = refundNo === null ? latestReportable(refunds) : refundNamed(refunds, refundNo);
  if (refund === undefined) return refundNo === null ? "nothing to deliver" : "no such refund";
  if (!isReportable(refund.state)) return "nothing to deliver";
  await timers.arm({ kind: "deliver-refund", refundNo: refund.number }, dueAt);
  return "armed";
}

function latestReportable(refunds: readonly RefundRow[]): RefundRow | undefined {
  return refunds.findLast(({ state }) => isReportable(state));
}

function refundNamed(refunds: readonly RefundRow[], refundNo: string): RefundRow | undefined {
  return refunds.find(({ number }) => number === refundNo);
}
