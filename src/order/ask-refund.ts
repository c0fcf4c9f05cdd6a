import { nextRefundAskDelay } from "../core/follow-up.ts";
import { isNews, isSettled, reportedState, statesBefore } from "../core/refund-life.ts";
import { findOrder } from "../db/orders.ts";
import { findOrderWithRefunds, findRefund, moveRefund } from "../db/refunds.ts";
import type { RefundRow } from "../db/rows.ts";
import { log } from "../log.ts";
import type { RefundReport } from "../wechat/wechat-pay.ts";
import type { OrderContext } from "./context.ts";
import { keyOf } from "./keys.ts";
import { sendRefund } from "./refund.ts";
import { BOOKING_GRACE_MS, type Timer } from "./timers.ts";

/** The refund's timer: asks WeChat until the outcome is known. */
export async function followUpRefund(context: OrderContext, timer: Timer): Promise<void> {
  const begun = await context.timers.begin(
    timer,
    Date.now() + nextRefundAskDelay(timer.attempt + 1),
  );
  const asked = await askRefund(context, timer.refundNo);
  if (asked === null || !isOpen(asked.state)) await context.timers.remove(begun);
}

/**
 * Somebody says that a refund of this order has moved on: arms its timer, unless its outcome is
 * known. Returns the refund, or null when the order has none of this number.
 */
export async function armHint(context: OrderContext, refundNo: string): Promise<RefundRow | null> {
  const found = await findOrderWithRefunds(context.db, context.number);
  const refund = found?.refunds.find((candidate) => candidate.number === refundNo);
  if (refund === undefined) return null;
  if (isSettled(refund.state)) return refund;
  context.timeline.add(Date.now(), "refund.hint", { refundNo });
  await context.timers.arm({ kind: "ask-refund", refundNo }, Date.now() + nextRefundAskDelay(0));
  return refund;
}

/** A refund's state after WeChat was asked, and whether WeChat's answer could be relied upon. */
export interface AskedRefund {
  readonly state: RefundRow["state"];
  readonly heard: boolean;
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
  if (!isOpen(refund.state)) return { state: refund.state, heard: true };
  const wechat = await context.wechatOf(order);
  const answer = await wechat.queryRefund(keyOf(order), refundNo);
  context.timeline.add(Date.now(), "wechat.refundquery", {
    refundNo,
    answer: answer.kind,
    ...(answer.kind === "found" ? { status: answer.refund.status } : {}),
    ...(answer.kind === "refused" ? { code: answer.code } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  switch (answer.kind) {
    case "found":
      return { state: await bookReport(context, refund, answer.refund), heard: true };
    case "absent":
      // The request never arrived. WeChat makes one refund of one number, so sending is safe.
      if (refund.state === "requested") {
        await sendRefund(context, order, refund, "again");
        const state = (await findRefund(context.db, refundNo))?.state ?? refund.state;
        return { state, heard: state !== "requested" };
      }
      log("error", "refund_unknown_to_wechat", {
        order: order.number,
        refundNo,
      });
      return { state: refund.state, heard: true };
    case "refused":
    case "unknown":
      return { state: refund.state, heard: false };
  }
}

async function bookReport(
  context: OrderContext,
  refund: RefundRow,
  report: RefundReport,
): Promise<RefundRow["state"]> {
  const { timers, timeline, db } = context;
  if (report.refundFen !== refund.refundFen) {
    timeline.add(Date.now(), "refund.contradiction", { refundNo: refund.number, what: "amount" });
    log("error", "refund_contradiction", {
      order: context.number,
      refundNo: refund.number,
    });
    return refund.state;
  }
  const state = reportedState(report.status);
  if (state === refund.state) return state;
  const delivery = { kind: "deliver-refund", refundNo: refund.number } as const;
  // Armed anew, though a call about an earlier state may be under way: its end must not end this.
  if (isNews(state)) await timers.arm(delivery, Date.now() + BOOKING_GRACE_MS);
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
  if (isNews(state)) await timers.arm(delivery, Date.now());
  return state;
}
