import { isNews } from "../core/refund-life.ts";
import { findOrderWithRefunds } from "../db/refunds.ts";
import type { OrderContext } from "./context.ts";

/** What came of a wish to call the app again. */
export type Redelivery = "armed" | "nothing to tell" | "unavailable";

/** Calls the app again, from the schedule's beginning, whatever came of earlier calls. */
export async function redeliver(
  { db, number, timers }: OrderContext,
  event: "pay" | "refund",
): Promise<Redelivery> {
  const found = await findOrderWithRefunds(db, number);
  if (event === "pay") {
    if (found?.order.payState !== "paid") return "nothing to tell";
    await timers.arm({ kind: "deliver-pay", refundNo: "" }, Date.now());
    return "armed";
  }
  const refund = found?.refunds.findLast((candidate) => isNews(candidate.state));
  if (refund === undefined) return "nothing to tell";
  await timers.arm({ kind: "deliver-refund", refundNo: refund.number }, Date.now());
  return "armed";
}
