import { isReportable } from "../domain/refund.ts";
import { findOrderWithRefunds } from "../db/refunds.ts";
import type { RefundRow } from "../db/rows.ts";
import type { OrderContext } from "./context.ts";

/** What came of a wish to call the app again. */
export type Redelivery = "armed" | "nothing to tell" | "no such refund" | "unavailable";

/**
 * Calls the app again, from the schedule's beginning, whatever came of earlier calls.
 *
 * @param refundNo which refund; null is the latest that there is something to tell of
 * @param delayMs how long from now the first call is made
 */
export async function redeliver(
  { db, number, timers }: OrderContext,
  event: "pay" | "refund",
  refundNo: string | null,
  delayMs: number,
): Promise<Redelivery> {
  const found = await findOrderWithRefunds(db, number);
  const dueAt = Date.now() + delayMs;
  if (event === "pay") {
    if (found?.order.payState !== "paid") return "nothing to tell";
    await timers.arm({ kind: "deliver-pay", refundNo: "" }, dueAt);
    return "armed";
  }
  const refunds = found?.refunds ?? [];
  const refund = refundNo === null ? latestReportable(refunds) : refundNamed(refunds, refundNo);
  if (refund === undefined) return refundNo === null ? "nothing to tell" : "no such refund";
  if (!isReportable(refund.state)) return "nothing to tell";
  await timers.arm({ kind: "deliver-refund", refundNo: refund.number }, dueAt);
  return "armed";
}

function latestReportable(refunds: readonly RefundRow[]): RefundRow | undefined {
  return refunds.findLast(({ state }) => isReportable(state));
}

function refundNamed(refunds: readonly RefundRow[], refundNo: string): RefundRow | undefined {
  return refunds.find(({ number }) => number === refundNo);
}
