import { findOrder } from "../../db/orders.ts";
import { findRefund, moveRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { nextRefundPollDelay } from "../../domain/polling.ts";
import { isFinal, isReportable, reportedState, statesBefore } from "../../domain/refund.ts";
import type { RefundReport } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { openIncident, resolveIncident } from "../incidents.ts";
import { RECORDING_GRACE_MS, type PollRefundTimer } from "../timers.ts";
import { callRefundQuery } from "./query.ts";
import { sendRefund } from "./send.ts";

/** The refund's timer: queries WeChat until the outcome is known. */
export async function pollRefund(context: OrderContext, timer: PollRefundTimer): Promise<void> {
  const begun = await context.timers.begin(
    timer,
    Date.now() + nextRefundPollDelay(timer.attempt + 1),
  );
  const queried = await queryRefund(context, timer.refundNo);
  if (queried === null || !isOpen(queried.state)) await context.timers.remove(begun);
  else if (queried.heldMs > 0) await context.timers.putOff(begun, Date.now() + queried.heldMs);
}

/** A refund's state after WeChat was queried. */
export interface QueriedRefund {
  readonly state: RefundRow["state"];
  /** Whether WeChat gave a usable answer. */
  readonly answered: boolean;
  /** How long until the refund may be sent, in ms; 0 for one that was sent. */
  readonly heldMs: number;
}

/** Whether WeChat may still change it. One that WeChat refused is sent again only for the app. */
export function isOpen(state: RefundRow["state"]): boolean {
  return !isFinal(state) && state !== "refused";
}

/**
 * Queries WeChat about a refund of this order and records the answer; a refund that never arrived
 * is sent. Returns null when the order has no such refund.
 */
export async function queryRefund(
  context: OrderContext,
  refundNo: string,
): Promise<QueriedRefund | null> {
  const refund = await findRefund(context.db, refundNo);
  const order = await findOrder(context.db, context.number);
  if (refund === null || order === null || refund.orderId !== order.id) return null;
  if (!isOpen(refund.state)) return known(refund.state);

  const answer = await callRefundQuery(context, order, { refundNo, onRecord: true });
  switch (answer.kind) {
    case "found": {
      const state = await recordRefund(context, order, refund, answer.refund);
      await resolveUnknown(context, refund, state);
      return known(state);
    }
    case "absent":
      return refund.state === "requested"
        ? await sendAgain(context, order, refund)
        : await openUnknownToWechat(context, order, refund);
    case "refused":
    case "unknown":
      await openIfLongUnknown(context, order, refund);
      return { ...known(refund.state), answered: false };
  }
}

function known(state: RefundRow["state"]): QueriedRefund {
  return { state, answered: true, heldMs: 0 };
}

/** The request never arrived. WeChat makes one refund per number, so sending it is safe. */
async function sendAgain(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<QueriedRefund> {
  const outcome = await sendRefund(context, order, refund, { repeated: true, ahead: 0 });
  switch (outcome.kind) {
    case "held":
      return { ...known(refund.state), heldMs: outcome.waitMs };
    case "accepted":
    case "refused":
    case "unknown": {
      const state = (await findRefund(context.db, refund.number))?.state ?? refund.state;
      if (state !== "requested") {
        await resolveUnknown(context, refund, state);
        return known(state);
      }
      await openIfLongUnknown(context, order, refund);
      return { ...known(state), answered: false };
    }
  }
}

/**
 * Records a verified report of WeChat about a refund and arms the app's notification. Returns the
 * refund's state afterwards.
 */
export async function recordRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  report: RefundReport,
): Promise<RefundRow["state"]> {
  const { timers, timeline, db } = context;
  const about = { refundNo: refund.number, merchantId: order.merchantId };
  if (report.refundFen !== refund.refundFen) {
    timeline.add(Date.now(), "refund.contradiction", { refundNo: refund.number, what: "amount" });
    const facts = { recordedFen: refund.refundFen, reportedFen: report.refundFen };
    await openIncident(context, { kind: "refund_contradiction", ...about, facts });
    return refund.state;
  }
  const state = reportedState(report.status);
  if (state === refund.state) return state;
  // Before the recording: a crash in between opens it again, and no abnormal refund goes unnoticed.
  if (state === "abnormal" && statesBefore(state).includes(refund.state)) {
    await openIncident(context, { kind: "refund_abnormal", ...about });
  }
  const delivery = { kind: "deliver-refund", refundNo: refund.number } as const;
  // Armed from the start, although a call about an earlier state may be running: its end must not
  // end this delivery.
  if (isReportable(state)) await timers.arm(delivery, Date.now() + RECORDING_GRACE_MS);
  const moved = await moveRefund(
    db,
    refund.number,
    {
      from: statesBefore(state),
      to: state,
      refundId: report.refundId,
      succeededAt: report.succeededAt,
    },
    Date.now(),
  );
  if (moved === null) return (await findRefund(db, refund.number))?.state ?? refund.state;
  timeline.add(Date.now(), `refund.${state}`, { refundNo: refund.number });
  if (isReportable(state)) await timers.arm(delivery, Date.now());
  if (refund.state === "abnormal") {
    await resolveIncident(
      context,
      { kind: "refund_abnormal", refundNo: refund.number },
      `The gateway: WeChat has ${state === "succeeded" ? "paid it back" : "closed it"}.`,
    );
  }
  return state;
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

/** A refund whose outcome has been unknown for this long opens an incident. */
const UNKNOWN_INCIDENT_AFTER_MS = 3600_000;

/** Before its time no incident can have been opened, so no trip is made. */
async function resolveUnknown(
  context: OrderContext,
  refund: RefundRow,
  state: RefundRow["state"],
): Promise<void> {
  const age = Date.now() - refund.createdAt;
  if (age < UNKNOWN_INCIDENT_AFTER_MS || state === "requested") return;
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
  if (refund.state !== "requested" || age < UNKNOWN_INCIDENT_AFTER_MS) return;
  await openIncident(context, {
    kind: "refund_outcome_unknown",
    refundNo: refund.number,
    merchantId: order.merchantId,
    facts: { refundFen: refund.refundFen },
  });
}
