import { markRefundAccepted, markRefundRefused, switchToAvailable } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { waitBeforeRefund } from "../../domain/polling.ts";
import type { RefundFunds } from "../../domain/states.ts";
import type { RefundAnswer, RefundRefused, WechatPay } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { keyOf } from "../keys.ts";
import { importListedRefunds } from "./import.ts";
import { callRefundQuery } from "./query.ts";
import { disarmRefundTimer } from "./timer.ts";

/** A refund that WeChat has accepted, with WeChat's number and ours. */
export interface AcceptedRefund {
  readonly refundId: string;
  readonly refundNo: string;
}

export type SendOutcome =
  | { readonly kind: "accepted"; readonly refund: AcceptedRefund }
  | { readonly kind: "refused"; readonly answer: RefundRefused }
  | { readonly kind: "unknown" }
  /** Not sent: another refund of the order was sent less than a minute ago. In ms. */
  | { readonly kind: "held"; readonly waitMs: number };

/** A refund's place among the order's other refunds and its own earlier requests. */
export interface RefundSlot {
  /**
   * Whether an earlier request of this refund may have arrived. A refusal of this one then says
   * nothing about the earlier one: the refund counts as refused only if a query confirms it.
   */
  readonly repeated: boolean;
  /** Refunds of the order that are to be sent before this one. */
  readonly ahead: number;
}

/**
 * Sends a stored refund to WeChat under its own number, unless WeChat's minute between two refunds
 * of one order isn't over. Its timer is armed already.
 */
export async function sendRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  { repeated, ahead }: RefundSlot,
): Promise<SendOutcome> {
  const { lastRefund } = context;
  const waitMs = waitBeforeRefund(refund.number, lastRefund.get(), ahead, Date.now());
  if (waitMs > 0) {
    // Without the wait, which differs each time: repeats are counted instead of added.
    context.timeline.add(Date.now(), "refund.held", { refundNo: refund.number });
    return { kind: "held", waitMs };
  }
  return await attempt(context, order, refund, repeated);
}

/** @param mayHaveArrived whether WeChat may have accepted an earlier request of this refund */
async function attempt(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  mayHaveArrived: boolean,
): Promise<SendOutcome> {
  const { lastRefund } = context;
  const wechat = await context.wechatOf(order);
  lastRefund.note(refund.number, Date.now());
  const answer = await callRefund(context, order, refund, wechat);
  lastRefund.note(refund.number, Date.now());
  switch (answer.kind) {
    case "accepted":
      return await accept(context, refund, answer.refundId, Date.now());
    case "refused":
      return await handleRefusal(context, order, refund, answer, mayHaveArrived);
    case "unknown":
      return { kind: "unknown" };
  }
}

/** The outcome of a refund that WeChat accepted earlier; without WeChat's number it isn't known. */
export function accepted(refund: RefundRow): SendOutcome {
  return refund.refundId === null
    ? { kind: "unknown" }
    : { kind: "accepted", refund: { refundId: refund.refundId, refundNo: refund.number } };
}

/** @param acceptedAt when WeChat's answer accepted it; null when only a query has shown it */
async function accept(
  { db }: OrderContext,
  refund: RefundRow,
  refundId: string,
  acceptedAt: number | null,
): Promise<SendOutcome> {
  const marked = await markRefundAccepted(db, refund.number, { refundId, acceptedAt }, Date.now());
  return accepted(marked ?? refund);
}

const THEN_AVAILABLE: RefundFunds = "unsettled-then-available";

/**
 * WeChat refused the refund. It moves no money only if WeChat doesn't have it, which a query shows;
 * until then it keeps its amount, and its timer queries again. One refused for lack of balance is sent
 * once more, from the other account, if the merchant wants that. A refusal about the amount is a
 * reason to look for refunds made elsewhere.
 */
async function handleRefusal(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  answer: RefundRefused,
  mayHaveArrived: boolean,
): Promise<SendOutcome> {
  const about = { refundNo: refund.number, onRecord: true };
  const found = await callRefundQuery(context, order, about);
  switch (found.kind) {
    case "found": {
      const { refundId, refundFen } = found.refund;
      // Another amount under this number is a contradiction, which the refund's own poll reports.
      return refundFen === refund.refundFen
        ? await accept(context, refund, refundId, null)
        : { kind: "unknown" };
    }
    case "absent": {
      if (answer.cause === "balance" && (await context.refundFundsOf(order)) === THEN_AVAILABLE) {
        const switched = await switchToAvailable(context.db, refund.number, Date.now());
        if (switched !== null) return await attempt(context, order, switched, false);
      }
      const marked = await markRefundRefused(context.db, refund.number, "free", Date.now());
      // Its state has changed meanwhile.
      if (marked === null) return { kind: "unknown" };
      context.lastRefund.forget(refund.number);
      await disarmRefundTimer(context, refund.number);
      if (answer.cause === "amount") await importListedRefunds(context, order);
      return { kind: "refused", answer };
    }
    case "refused":
    case "unknown": {
      if (mayHaveArrived) return { kind: "unknown" };
      const marked = await markRefundRefused(context.db, refund.number, null, Date.now());
      return marked === null ? { kind: "unknown" } : { kind: "refused", answer };
    }
  }
}

async function callRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  wechat: WechatPay,
): Promise<RefundAnswer> {
  if (order.transactionId === null) throw new Error("a paid order has no transaction id");
  const answer = await wechat.refund({
    ...keyOf(order),
    refundNo: refund.number,
    transactionId: order.transactionId,
    totalFen: order.totalFen,
    refundFen: refund.refundFen,
    notifyUrl: refund.notifyUrl,
    reason: refund.reason,
    fundsAccount: refund.fundsAccount,
  });
  context.timeline.add(Date.now(), "wechat.refund", {
    refundNo: refund.number,
    answer: answer.kind,
    ...(answer.kind === "accepted" ? { refundId: answer.refundId } : {}),
    ...(answer.kind === "refused" ? { code: answer.code, message: answer.message } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  return answer;
}
