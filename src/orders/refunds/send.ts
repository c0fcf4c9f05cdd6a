import { badRequest, serverFault, type Refusal } from "../../contract/refusal.ts";
import { markRefundAccepted, moveRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { waitBeforeRefund } from "../../domain/polling.ts";
import { statesBefore } from "../../domain/refund.ts";
import type { RefundAnswer, Refused, WechatPay } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { keyOf } from "../keys.ts";
import { callRefundQuery } from "./query.ts";
import { disarmRefundTimer } from "./timer.ts";

/** A refund that WeChat has accepted, with WeChat's number and ours. */
export interface AcceptedRefund {
  readonly refundId: string;
  readonly refundNo: string;
}

export type SendOutcome =
  | { readonly kind: "accepted"; readonly refund: AcceptedRefund }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unknown" }
  /** Not sent: another refund of the order was sent less than a minute ago. In ms. */
  | { readonly kind: "held"; readonly waitMs: number };

/** A refund's place among the order's other refunds and its own earlier requests. */
export interface RefundSlot {
  /**
   * Whether an earlier request of this refund may have arrived. A refusal of this one then says
   * nothing about the earlier one, so WeChat is queried before the refund counts as refused.
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
  const wechat = await context.wechatOf(order);
  lastRefund.note(refund.number, Date.now());
  const answer = await callRefund(context, order, refund, wechat);
  lastRefund.note(refund.number, Date.now());
  switch (answer.kind) {
    case "accepted":
      return await accept(context, refund, answer.refundId, Date.now());
    case "refused":
      return repeated
        ? await confirmRefusal(context, order, refund, answer)
        : await refuse(context, order, refund, answer);
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

async function refuse(
  context: OrderContext,
  { totalFen }: OrderRow,
  refund: RefundRow,
  refused: Refused,
): Promise<SendOutcome> {
  await move(context, refund, "refused");
  await disarmRefundTimer(context, refund.number);
  return { kind: "refused", refusal: refusalOf(refused, refund.refundFen < totalFen) };
}

async function move(
  { db }: OrderContext,
  refund: RefundRow,
  to: RefundRow["state"],
): Promise<void> {
  const from = statesBefore(to);
  const moved = { from, to, refundId: null, succeededAt: null };
  await moveRefund(db, refund.number, moved, Date.now());
}

/** Refused now, but perhaps accepted before: counts as refused only if WeChat has no such refund. */
async function confirmRefusal(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  refused: Refused,
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
    case "absent":
      return await refuse(context, order, refund, refused);
    case "refused":
    case "unknown":
      return { kind: "unknown" };
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

/** @param partial whether the app chose the amount; that of a whole refund is the record's */
function refusalOf({ code, message, blame, parameter }: Refused, partial: boolean): Refusal {
  const text = `微信拒绝退款：${code} ${message}`;
  if (parameter !== undefined) {
    const reason = { fault: "refused-by-wechat", parameter } as const;
    return partial
      ? badRequest(`${text}（请检查参数 ${parameter}）`, reason)
      : serverFault(`${text}。请联系网关运维；重复本请求是安全的`, reason);
  }
  const reason = "refused-by-wechat";
  switch (blame) {
    case "request":
      return badRequest(text, reason);
    case "merchant":
      return serverFault(`${text}。请联系网关运维处理，之后重复本请求是安全的`, reason);
    case "gateway":
      return serverFault(`${text}。请联系网关运维；重复本请求是安全的`, reason);
  }
}
