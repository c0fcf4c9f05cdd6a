import { nextRefundAskDelay } from "../core/follow-up.ts";
import { isSettled } from "../core/refund-life.ts";
import { findOrder } from "../db/orders.ts";
import { findRefund } from "../db/refunds.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import { bookReport } from "./book-refund.ts";
import type { OrderContext } from "./context.ts";
import { queryRefund } from "./query-refund.ts";
import { raise, settleConcern } from "./raise.ts";
import { sendRefund } from "./send-refund.ts";
import type { Timer } from "./timers.ts";

/** The refund's timer: asks WeChat until the outcome is known. */
export async function followUpRefund(context: OrderContext, timer: Timer): Promise<void> {
  const begun = await context.timers.begin(
    timer,
    Date.now() + nextRefundAskDelay(timer.attempt + 1),
  );
  const asked = await askRefund(context, timer.refundNo);
  if (asked === null || !isOpen(asked.state)) await context.timers.remove(begun);
  else if (asked.heldMs > 0) await context.timers.putOff(begun, Date.now() + asked.heldMs);
}

/** What is known of a refund after WeChat was asked. */
export interface AskedRefund {
  readonly state: RefundRow["state"];
  /** Whether WeChat's answer could be relied upon. */
  readonly heard: boolean;
  /** How long it still has to wait before it may be sent, in ms; 0 for a refund that was sent. */
  readonly heldMs: number;
}

/** Whether there is something to ask. What WeChat refused is asked for again by the app only. */
function isOpen(state: RefundRow["state"]): boolean {
  return !isSettled(state) && state !== "refused";
}

/**
 * Asks WeChat about a refund of this order and books what it says. Returns null when the order has
 * no such refund.
 */
export async function askRefund(
  context: OrderContext,
  refundNo: string,
): Promise<AskedRefund | null> {
  const refund = await findRefund(context.db, refundNo);
  const order = await findOrder(context.db, context.number);
  if (refund === null || order === null || refund.orderId !== order.id) return null;
  if (!isOpen(refund.state)) return known(refund.state);
  const answer = await queryRefund(context, order, refundNo);
  switch (answer.kind) {
    case "found": {
      const state = await bookReport(context, order, refund, answer.refund);
      await becameKnown(context, refund, state);
      return known(state);
    }
    case "absent":
      return refund.state === "requested"
        ? await sendUnknown(context, order, refund)
        : await vanished(context, order, refund);
    case "refused":
    case "unknown":
      await raiseOldUnknown(context, order, refund);
      return { ...known(refund.state), heard: false };
  }
}

function known(state: RefundRow["state"]): AskedRefund {
  return { state, heard: true, heldMs: 0 };
}

/** The request never arrived. WeChat makes one refund of one number, so sending is safe. */
async function sendUnknown(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<AskedRefund> {
  const sending = await sendRefund(context, order, refund, { repeated: true, ahead: 0 });
  switch (sending.kind) {
    case "held":
      return { ...known(refund.state), heldMs: sending.waitMs };
    case "accepted":
    case "refused":
    case "unknown": {
      const state = (await findRefund(context.db, refund.number))?.state ?? refund.state;
      if (state !== "requested") {
        await becameKnown(context, refund, state);
        return known(state);
      }
      await raiseOldUnknown(context, order, refund);
      return { ...known(state), heard: false };
    }
  }
}

async function vanished(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<AskedRefund> {
  await raise(context, {
    kind: "refund_unknown_to_wechat",
    refundNo: refund.number,
    merchantId: order.merchantId,
  });
  return known(refund.state);
}

/** An operator hears of a refund of which nothing has been known for so long. */
const UNKNOWN_TOO_LONG_MS = 3600_000;

/** Before its time nothing can have been raised about it, and nothing is looked for. */
async function becameKnown(
  context: OrderContext,
  refund: RefundRow,
  state: RefundRow["state"],
): Promise<void> {
  if (Date.now() - refund.createdAt < UNKNOWN_TOO_LONG_MS || state === "requested") return;
  await settleConcern(
    context,
    { kind: "refund_outcome_unknown", refundNo: refund.number },
    "The gateway: WeChat's answer is known now.",
  );
}

async function raiseOldUnknown(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<void> {
  if (refund.state !== "requested" || Date.now() - refund.createdAt < UNKNOWN_TOO_LONG_MS) return;
  await raise(context, {
    kind: "refund_outcome_unknown",
    refundNo: refund.number,
    merchantId: order.merchantId,
    facts: { refundFen: refund.refundFen },
  });
}
