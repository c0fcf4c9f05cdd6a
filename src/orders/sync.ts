import { findOrderWithRefunds } from "../db/refunds.ts";
import { queryPayment, conclude } from "./poll-payment.ts";
import { queryRefund } from "./refunds/outcome.ts";
import type { OrderContext } from "./context.ts";

/** Whether WeChat gave a usable answer to all that there was to ask. */
export type SyncOutcome = "asked" | "unknown";

/** Asks WeChat about everything of the order that is open, and books what it says. */
export async function syncOrder(context: OrderContext): Promise<SyncOutcome> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null) return "asked";
  const { order, refunds } = found;
  if (order.payState !== "paid") {
    const state = await queryPayment(context, order, await context.wechatOf(order));
    await conclude(context, state, Date.now() >= order.expiresAt);
    return state === "unknown" ? "unknown" : "asked";
  }
  for (const refund of refunds) {
    const asked = await queryRefund(context, refund.number);
    if (asked?.heard === false) return "unknown";
  }
  return "asked";
}
