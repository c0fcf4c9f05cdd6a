/**
 * The life of a refund. Pure: what is stored and what is known go in, what to do comes out.
 *
 * requested -> accepted -> succeeded | closed | abnormal, abnormal -> succeeded | closed,
 * requested -> refused -> (asked again under the same number) requested.
 */

import type { RefundSource, RefundState } from "./states.ts";

/** What WeChat says of a refund it knows. */
export type ReportedStatus = "processing" | "succeeded" | "closed" | "abnormal";

/** The state that a report leads to. */
export function reportedState(status: ReportedStatus): RefundState {
  switch (status) {
    case "processing":
      return "accepted";
    case "succeeded":
      return "succeeded";
    case "closed":
      return "closed";
    case "abnormal":
      return "abnormal";
  }
}

/**
 * From which states a refund may come to `state`. A report that is older than the record is thus
 * without effect, and every order of arrival ends the same.
 */
export function statesBefore(state: RefundState): readonly RefundState[] {
  switch (state) {
    case "requested":
      // Sent once more after a refusal: until WeChat answers, nothing is known again.
      return ["refused"];
    case "refused":
      return ["requested"];
    case "accepted":
      return ["requested", "refused"];
    case "abnormal":
      return ["requested", "refused", "accepted"];
    case "closed":
    case "succeeded":
      return ["requested", "refused", "accepted", "abnormal"];
  }
}

/** Whether WeChat's last word on it is known, so that nobody needs to ask again. */
export function isFinal(state: RefundState): boolean {
  return state === "succeeded" || state === "closed";
}

/** Whether the app is told of a refund that reached this state. */
export function isReportable(state: RefundState): boolean {
  return state === "succeeded" || state === "closed" || state === "abnormal";
}

/** Whether the refund holds its amount. Only one that WeChat closed for good frees it. */
export function isLive(state: RefundState): boolean {
  return state !== "closed";
}

/** WeChat takes no more refunds of one payment than these (WeChat: refund). */
export const MAX_REFUNDS = 50;

/** WeChat takes no refund of a payment older than this: one year, in ms (WeChat: refund). */
const REFUNDABLE_PERIOD_MS = 365 * 24 * 3600_000;

/** A stored refund, as far as a new request is weighed against it. */
export interface StoredRefund {
  readonly number: string;
  readonly appRefundNo: string | null;
  readonly refundFen: number;
  readonly state: RefundState;
  readonly source: RefundSource;
}

/** What an app asks for: `refundFen` null is all that is left. */
export interface RefundRequest {
  readonly refundFen: number | null;
  readonly appRefundNo: string | null;
}

/** What was paid, and when. */
export interface PaidOrder {
  readonly totalFen: number;
  /** Unix ms; null where WeChat's report had no readable time. */
  readonly paidAt: number | null;
}

export type RefundDecision<R extends StoredRefund> =
  /** WeChat has accepted it before: the same answer again. */
  | { readonly kind: "repeat"; readonly refund: R }
  /** Not known to be accepted: send it again, under the same number. */
  | { readonly kind: "send"; readonly refund: R }
  | { readonly kind: "create"; readonly refundFen: number }
  | { readonly kind: "refuse"; readonly detail: string };

/**
 * Weighs a request against the order's refunds.
 * @param refunds all refunds of the order, the oldest first
 */
export function decideRefund<R extends StoredRefund>(
  paid: PaidOrder,
  refunds: readonly R[],
  wish: RefundRequest,
  nowAt: number,
): RefundDecision<R> {
  const live = refunds.filter((refund) => isLive(refund.state));
  const leftFen = paid.totalFen - live.reduce((sum, refund) => sum + refund.refundFen, 0);
  const earlier = sameRequest(refunds, live, wish, leftFen);
  if (earlier !== undefined) return decideRepeat(earlier, wish);
  if (leftFen <= 0) {
    return refuse(
      "订单已无可退金额（已有另一笔退款占用，可不传 appRefundNo 或用原 appRefundNo 查询其结果）",
    );
  }
  if (refunds.length >= MAX_REFUNDS) {
    return refuse(`该订单已有 ${MAX_REFUNDS} 笔退款，微信不再受理`);
  }
  if (paid.paidAt !== null && nowAt - paid.paidAt > REFUNDABLE_PERIOD_MS) {
    return refuse("订单支付已超过一年，微信不再受理退款");
  }
  const refundFen = wish.refundFen ?? leftFen;
  if (refundFen > leftFen) return refuse(`refundFree 超过可退金额（剩余可退 ${leftFen} 分）`);
  if (refundFen < leftFen && wish.appRefundNo === null) {
    return refuse(
      `appRefundNo 在部分退款时必传（剩余可退 ${leftFen} 分），以免重复请求造成重复退款`,
    );
  }
  return { kind: "create", refundFen };
}

/**
 * The refund that an earlier sending of this request has made, if there is one. With a number of the
 * app's, the one of that number. Without, the one that took all that was left at its time, as long as
 * it lives: even when another refund has been closed since, for a repeat must not refund that too.
 */
function sameRequest<R extends StoredRefund>(
  refunds: readonly R[],
  live: readonly R[],
  wish: RefundRequest,
  leftFen: number,
): R | undefined {
  if (wish.appRefundNo !== null) {
    return refunds.find((refund) => refund.appRefundNo === wish.appRefundNo);
  }
  const unnamed = live.findLast((refund) => refund.appRefundNo === null && refund.source === "app");
  return unnamed ?? (leftFen <= 0 ? live.at(-1) : undefined);
}

function decideRepeat<R extends StoredRefund>(refund: R, wish: RefundRequest): RefundDecision<R> {
  if (refund.state === "closed") {
    return refuse("appRefundNo 对应的退款已被微信关闭，请换一个新的 appRefundNo 重新申请");
  }
  if (wish.refundFen !== null && wish.refundFen !== refund.refundFen) {
    const which =
      wish.appRefundNo === null ? "；另一笔退款请传 appRefundNo" : "；另一笔退款请换 appRefundNo";
    return refuse(`refundFree 与已有退款的金额 ${refund.refundFen} 分不一致${which}`);
  }
  switch (refund.state) {
    case "requested":
    case "refused":
      return { kind: "send", refund };
    case "accepted":
    case "abnormal":
    case "succeeded":
      return { kind: "repeat", refund };
  }
}

function refuse(detail: string): { readonly kind: "refuse"; readonly detail: string } {
  return { kind: "refuse", detail };
}
