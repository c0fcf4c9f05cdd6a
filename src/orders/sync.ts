import { findOrderWithRefunds } from "../db/refunds.ts";
import type { OrderContext } from "./context.ts";
import { conclude, queryPayment } from "./poll-payment.ts";
import { queryRefund } from "./refunds/outcome.ts";
import type { PaymentSource } from "./timeline.ts";

/** Whether WeChat gave a usable answer to every query. */
export type SyncOutcome = "asked" | "unknown";

/**
 * Queries WeChat about everything of the order that is open, and records the answers: the payment
 * of an unpaid order, else each refund whose outcome may still change.
 */
export async function syncOrder(
  context: OrderContext,
  by: Exclude<PaymentSource, "notification">,
): Promise<SyncOutcome> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null) return "asked";
  const { order, refunds } = found;
  if (order.payState !== "paid") {
    const state = await queryPayment(context, order, await context.wechatOf(order), by);
    await conclude(context, order, state);
    return state === "unknown" ? "unknown" : "asked";
  }
  for (const refund of refunds) {
    const queried = await queryRefund(context, refund.number);
    if (queried?.answered === false) return "unknown";
  }
  return "asked";
}
