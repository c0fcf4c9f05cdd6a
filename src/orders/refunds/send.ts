import { waitBeforeRefund } from "../../domain/polling.ts";
import { statesBefore } from "../../domain/refund.ts";
import { findRefund, moveRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { badRequest, serverFault, type Refusal } from "../../contract/refusal.ts";
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

/** What came of sending a refund. */
export type SendOutcome =
  | { readonly kind: "accepted"; readonly refund: AcceptedRefund }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unknown" }
  /** Not sent: another refund of the order went out less than a minute ago. In ms. */
  | { readonly kind: "held"; readonly waitMs: number };

/** How a sending stands to others. */
export interface RefundSlot {
  /**
   * Whether an earlier sending of this refund may have arrived: a refusal of this one then says
   * nothing about that one, so WeChat is asked before the refund is called refused.
   */
  readonly repeated: boolean;
  /** Refunds of the order that wait their turn before this one. */
  readonly ahead: number;
}

/** Sends a stored refund to WeChat, under its own number, when its turn has come. Its timer is armed already. */
export async function sendRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  { repeated, ahead }: RefundSlot,
): Promise<SendOutcome> {
  if (refund.state === "refused") await move(context, refund, "requested", null);
  const { lastRefund } = context;
  const waitMs = waitBeforeRefund(refund.number, lastRefund.get(), ahead, Date.now());
  if (waitMs > 0) {
    context.timeline.add(Date.now(), "refund.held", { refundNo: refund.number, waitMs });
    return { kind: "held", waitMs };
  }
  const wechat = await context.wechatOf(order);
  lastRefund.note(refund.number, Date.now());
  const sent = await callWechat(context, order, refund, wechat);
  lastRefund.note(refund.number, Date.now());
  const answer =
    sent.kind === "refused" && repeated && refund.state === "requested"
      ? await confirmRefusal(context, order, refund, sent)
      : sent;
  switch (answer.kind) {
    case "accepted": {
      const moved = await move(context, refund, "accepted", answer.refundId);
      // Already further on: a notification was faster than this answer.
      return accepted(moved ?? (await findRefund(context.db, refund.number)) ?? refund);
    }
    case "refused":
      await move(context, refund, "refused", null);
      await disarmRefundTimer(context, refund.number);
      return { kind: "refused", refusal: refusalOf(answer) };
    case "unknown":
      return { kind: "unknown" };
  }
}

/** A refund that WeChat has accepted by its row; one without WeChat's number isn't known to be. */
export function accepted(refund: RefundRow): SendOutcome {
  return refund.refundId === null
    ? { kind: "unknown" }
    : { kind: "accepted", refund: { refundId: refund.refundId, refundNo: refund.number } };
}

async function move(
  { db }: OrderContext,
  refund: RefundRow,
  to: RefundRow["state"],
  refundId: string | null,
): Promise<RefundRow | null> {
  const from = statesBefore(to);
  return await moveRefund(db, refund.number, { from, to, refundId, succeededAt: null }, Date.now());
}

/** Refused now, but perhaps accepted before: only a refund that WeChat doesn't know was refused. */
async function confirmRefusal(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  refused: Refused,
): Promise<RefundAnswer> {
  const found = await callRefundQuery(context, order, refund.number);
  switch (found.kind) {
    case "found": {
      const { refundId, refundFen } = found.refund;
      return refundFen === refund.refundFen
        ? { kind: "accepted", refundId, refundFen }
        : { kind: "unknown", reason: "WeChat has another amount under this number" };
    }
    case "absent":
      return refused;
    case "refused":
    case "unknown":
      return {
        kind: "unknown",
        reason: `refused (${refused.code}), and the query settled nothing`,
      };
  }
}

async function callWechat(
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

function refusalOf(answer: Extract<RefundAnswer, { kind: "refused" }>): Refusal {
  const words = `微信拒绝退款：${answer.code} ${answer.message}`;
  switch (answer.blame) {
    case "request":
      return badRequest(words);
    case "merchant":
      return serverFault(`${words}。请联系网关运维处理，之后重复本请求是安全的`);
    case "gateway":
      return serverFault(`${words}。请联系网关运维；重复本请求是安全的`);
  }
}
