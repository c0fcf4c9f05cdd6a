import { findOrder } from "../../db/orders.ts";
import { findRefund, releaseRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { nextRefundPollDelay } from "../../domain/polling.ts";
import { isFinal, isOpen, isUnconfirmedRefusal } from "../../domain/refund.ts";
import type { OrderContext } from "../context.ts";
import { openIncident, resolveIncident } from "../incidents.ts";
import type { PollRefundTimer } from "../timers.ts";
import { callRefundQuery } from "./query.ts";
import { recordRefund } from "./record.ts";
import { sendRefund } from "./send.ts";

/** The refund's timer: queries WeChat until the outcome is known. */
export async function pollRefund(context: OrderContext, timer: PollRefundTimer): Promise<void> {
  const begun = await context.timers.begin(
    timer,
    Date.now() + nextRefundPollDelay(timer.attempt + 1),
  );
  const queried = await queryRefund(context, timer.refundNo);
  if (queried === null || queried.settled) await context.timers.remove(begun);
  else if (queried.heldMs > 0) await context.timers.putOff(begun, Date.now() + queried.heldMs);
}

/** A refund's state after WeChat was queried. */
export interface QueriedRefund {
  readonly state: RefundRow["state"];
  /** Whether nothing is left to query. */
  readonly settled: boolean;
  /** Whether WeChat gave a usable answer. */
  readonly answered: boolean;
  /** How long until the refund may be sent, in ms; 0 for one that was sent. */
  readonly heldMs: number;
}

/**
 * Queries WeChat about a refund of this order and records the answer; a refund that never arrived
 * is sent. Returns null when the order has no such refund.
 * @param notified whether there is a reason to query even one whose outcome seems known
 */
export async function queryRefund(
  context: OrderContext,
  refundNo: string,
  notified = false,
): Promise<QueriedRefund | null> {
  const refund = await findRefund(context.db, refundNo);
  const order = await findOrder(context.db, context.number);
  if (refund === null || order === null || refund.orderId !== order.id) return null;
  if (!isOpen(refund) && !(notified && !isFinal(refund.state))) return known(refund);

  const answer = await callRefundQuery(context, order, { refundNo, onRecord: true });
  switch (answer.kind) {
    case "found": {
      const state = await recordRefund(context, order, refund, answer.refund);
      const recorded = { ...refund, state };
      await resolveUnknown(context, recorded);
      return known(recorded);
    }
    case "absent":
      return await handleAbsence(context, order, refund);
    case "refused":
    case "unknown":
      await openIfLongUnknown(context, order, refund);
      return { ...known(refund), answered: false };
  }
}

function known(refund: RefundRow): QueriedRefund {
  return { state: refund.state, settled: !isOpen(refund), answered: true, heldMs: 0 };
}

/** WeChat doesn't have the refund. */
async function handleAbsence(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<QueriedRefund> {
  switch (refund.state) {
    case "requested":
      return await sendAgain(context, order, refund);
    case "refused":
      return await release(context, refund);
    case "accepted":
    case "abnormal":
    case "closed":
    case "succeeded":
      await openIncident(context, {
        kind: "refund_unknown_to_wechat",
        refundNo: refund.number,
        merchantId: order.merchantId,
      });
      return known(refund);
  }
}

/** WeChat refused it and doesn't have it: it moves no money, so its amount is free. */
async function release(context: OrderContext, refund: RefundRow): Promise<QueriedRefund> {
  if (refund.released !== null) return known(refund);
  await releaseRefund(context.db, refund.number, Date.now());
  context.timeline.add(Date.now(), "refund.released", { refundNo: refund.number });
  context.lastRefund.forget(refund.number);
  const released = { ...refund, released: "free" } as const;
  await resolveUnknown(context, released);
  return known(released);
}

/** The request never arrived. WeChat makes one refund per number, so sending it is safe. */
async function sendAgain(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<QueriedRefund> {
  const outcome = await sendRefund(context, order, refund, { repeated: true, ahead: 0 });
  if (outcome.kind === "held") return { ...known(refund), heldMs: outcome.waitMs };
  const sent = (await findRefund(context.db, refund.number)) ?? refund;
  if (isUnknown(sent)) {
    await openIfLongUnknown(context, order, sent);
    return { ...known(sent), answered: false };
  }
  await resolveUnknown(context, sent);
  return known(sent);
}

/** A refund whose outcome has been unknown for this long opens an incident. */
const UNKNOWN_INCIDENT_AFTER_MS = 3600_000;

/** Whether it isn't known if WeChat has the refund. */
function isUnknown(refund: RefundRow): boolean {
  return refund.state === "requested" || isUnconfirmedRefusal(refund);
}

/** Before its time no incident can have been opened, so no trip is made. */
async function resolveUnknown(context: OrderContext, refund: RefundRow): Promise<void> {
  const age = Date.now() - refund.createdAt;
  if (age < UNKNOWN_INCIDENT_AFTER_MS || isUnknown(refund)) return;
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
  const age = Date.now() - refund.createdAt;
  if (!isUnknown(refund) || age < UNKNOWN_INCIDENT_AFTER_MS) return;
  await openIncident(context, {
    kind: "refund_outcome_unknown",
    refundNo: refund.number,
    merchantId: order.merchantId,
    facts: { refundFen: refund.refundFen },
  });
}
