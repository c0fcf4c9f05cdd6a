import { nextRefundPollDelay } from "../../domain/polling.ts";
import { isFinal } from "../../domain/refund.ts";
import { findOrder } from "../../db/orders.ts";
import { findRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { recordRefund } from "./record.ts";
import type { OrderContext } from "../context.ts";
import { callRefundQuery } from "./query.ts";
import { openIncident, resolveIncident } from "../incidents.ts";
import { sendRefund } from "./send.ts";
import type { Timer } from "../timers.ts";

/** The refund's timer: asks WeChat until the outcome is known. */
export async function pollRefund(context: OrderContext, timer: Timer): Promise<void> {
  const begun = await context.timers.begin(
    timer,
    Date.now() + nextRefundPollDelay(timer.attempt + 1),
  );
  const asked = await queryRefund(context, timer.refundNo);
  if (asked === null || !isOpen(asked.state)) await context.timers.remove(begun);
  else if (asked.heldMs > 0) await context.timers.putOff(begun, Date.now() + asked.heldMs);
}

/** What is known of a refund after WeChat was asked. */
export interface QueriedRefund {
  readonly state: RefundRow["state"];
  /** Whether WeChat's answer could be relied upon. */
  readonly heard: boolean;
  /** How long it still has to wait before it may be sent, in ms; 0 for a refund that was sent. */
  readonly heldMs: number;
}

/** Whether there is something to ask. What WeChat refused is asked for again by the app only. */
function isOpen(state: RefundRow["state"]): boolean {
  return !isFinal(state) && state !== "refused";
}

/**
 * Asks WeChat about a refund of this order and books what it says. Returns null when the order has
 * no such refund.
 */
export async function queryRefund(
  context: OrderContext,
  refundNo: string,
): Promise<QueriedRefund | null> {
  const refund = await findRefund(context.db, refundNo);
  const order = await findOrder(context.db, context.number);
  if (refund === null || order === null || refund.orderId !== order.id) return null;
  if (!isOpen(refund.state)) return known(refund.state);
  const answer = await callRefundQuery(context, order, refundNo);
  switch (answer.kind) {
    case "found": {
      const state = await recordRefund(context, order, refund, answer.refund);
      await resolveUnknown(context, refund, state);
      return known(state);
    }
    case "absent":
      return refund.state === "requested"
        ? await sendUnknown(context, order, refund)
        : await openUnknownToWechat(context, order, refund);
    case "refused":
    case "unknown":
      await openIfLongUnknown(context, order, refund);
      return { ...known(refund.state), heard: false };
  }
}

function known(state: RefundRow["state"]): QueriedRefund {
  return { state, heard: true, heldMs: 0 };
}

/** The request never arrived. WeChat makes one refund of one number, so sending is safe. */
async function sendUnknown(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<QueriedRefund> {
  const sending = await sendRefund(context, order, refund, { repeated: true, ahead: 0 });
  switch (sending.kind) {
    case "held":
      return { ...known(refund.state), heldMs: sending.waitMs };
    case "accepted":
    case "refused":
    case "unknown": {
      const state = (await findRefund(context.db, refund.number))?.state ?? refund.state;
      if (state !== "requested") {
        await resolveUnknown(context, refund, state);
        return known(state);
      }
      await openIfLongUnknown(context, order, refund);
      return { ...known(state), heard: false };
    }
  }
}

async function openUnknownToWechat(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<QueriedRefund> {
  await openIncident(context, {
    kind: "refund_unknown_to_wechat",
    refundNo: refund.number,
    merchantId: order.merchantId,
  });
  return known(refund.state);
}

/** An operator hears of a refund of which nothing has been known for so long. */
const UNKNOWN_INCIDENT_AFTER_MS = 3600_000;

/** Before its time nothing can have been raised about it, and nothing is looked for. */
async function resolveUnknown(
  context: OrderContext,
  refund: RefundRow,
  state: RefundRow["state"],
): Promise<void> {
  if (Date.now() - refund.createdAt < UNKNOWN_INCIDENT_AFTER_MS || state === "requested") return;
  await resolveIncident(
    context,
    { kind: "refund_outcome_unknown", refundNo: refund.number },
    "The gateway: WeChat's answer is known now.",
  );
}

async function openIfLongUnknown(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<void> {
  if (refund.state !== "requested" || Date.now() - refund.createdAt < UNKNOWN_INCIDENT_AFTER_MS)
    return;
  await openIncident(context, {
    kind: "refund_outcome_unknown",
    refundNo: refund.number,
    merchantId: order.merchantId,
    facts: { refundFen: refund.refundFen },
  });
}
