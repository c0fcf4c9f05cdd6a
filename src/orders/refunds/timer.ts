import { nextRefundPollDelay } from "../../domain/polling.ts";
import type { OrderContext } from "../context.ts";
import type { TimerName } from "../timers.ts";

/** The timer that polls a refund until its outcome is known, and sends it when its slot comes. */
export function pollRefundTimer(refundNo: string): TimerName {
  return { kind: "poll-refund", refundNo };
}

/** Arms a refund's timer, from its first attempt. */
export async function armRefundTimer({ timers }: OrderContext, refundNo: string): Promise<void> {
  await timers.arm(pollRefundTimer(refundNo), Date.now() + nextRefundPollDelay(0));
}

/** Arms a refund's timer, should it have been lost; an armed one keeps its schedule. */
export async function armRefundTimerIfAbsent(
  { timers }: OrderContext,
  refundNo: string,
): Promise<void> {
  await timers.armIfAbsent(pollRefundTimer(refundNo), Date.now() + nextRefundPollDelay(0));
}

/** Removes a refund's timer: nothing is left to poll. */
export async function disarmRefundTimer({ timers }: OrderContext, refundNo: string): Promise<void> {
  const armed = timers.find(pollRefundTimer(refundNo));
  if (armed !== undefined) await timers.remove(armed);
}
