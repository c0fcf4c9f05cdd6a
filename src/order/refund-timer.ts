import { nextRefundAskDelay } from "../core/follow-up.ts";
import type { OrderContext } from "./context.ts";
import type { TimerName } from "./timers.ts";

/** The timer that asks about a refund until its outcome is known, and sends it when its turn comes. */
export function askRefundTimer(refundNo: string): TimerName {
  return { kind: "ask-refund", refundNo };
}

/** Arms a refund's timer, from its first attempt. */
export async function watchRefund({ timers }: OrderContext, refundNo: string): Promise<void> {
  await timers.arm(askRefundTimer(refundNo), Date.now() + nextRefundAskDelay(0));
}

/** Takes a refund's timer away: there is nothing to ask about. */
export async function unwatchRefund({ timers }: OrderContext, refundNo: string): Promise<void> {
  const armed = timers.find(askRefundTimer(refundNo));
  if (armed !== undefined) await timers.remove(armed);
}
