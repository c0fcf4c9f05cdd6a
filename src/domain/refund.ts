/**
 * The states of a refund, and the decision about a request for one.
 *
 * requested -> accepted -> succeeded | closed | abnormal, abnormal -> succeeded | closed,
 * requested -> refused -> (sent again under the same number) requested.
 */

import type { RefundSource, RefundState } from "./states.ts";

/** The status that WeChat reports for a refund. */
export type ReportedStatus = "processing" | "succeeded" | "closed" | "abnormal";

/** The state that a reported status leads to. */
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
 * The states from which a refund may change to `state`. A report that is older than the record
 * therefore has no effect, and every order of arrival ends in the same state.
 */
export function statesBefore(state: RefundState): readonly RefundState[] {
  switch (state) {
    case "requested":
      // Sent again after a refusal: its outcome is unknown until WeChat answers.
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

/** Whether the state can't change any more, so that WeChat needn't be queried again. */
export function isFinal(state: RefundState): boolean {
  return state === "succeeded" || state === "closed";
}

/** Whether the app is notified of a refund in this state. */
export function isReportable(state: RefundState): boolean {
  return state === "succeeded" || state === "closed" || state === "abnormal";
}

/** Whether the refund reserves its amount. Only a refund that WeChat closed releases it. */
export function isLive(state: RefundState): boolean {
  return state !== "closed";
}

/** The maximum number of refunds of one payment (W-40). */
export const MAX_REFUNDS = 50;

/** The maximum age of a payment that can be refunded: one year, in ms (W-40). */
const REFUNDABLE_PERIOD_MS = 365 * 24 * 3600_000;

/** The fields of a stored refund that are compared with a new request. */
export interface StoredRefund {
  readonly number: string;
  readonly appRefundNo: string | null;
  readonly refundFen: number;
  readonly state: RefundState;
  readonly source: RefundSource;
}

/** An app's request: `refundFen` null means everything that is left. */
export interface RefundRequest {
  readonly refundFen: number | null;
  readonly appRefundNo: string | null;
}

/** What an app's settings allow it to refund. */
export interface RefundLimits {
  readonly canRefund: boolean;
  /** In a day in Beijing, all orders together; null: no limit. */
  readonly maxRefundFenPerDay: number | null;
}

/** The order's payment. */
export interface PaidOrder {
  readonly totalFen: number;
  /** Unix ms; null when WeChat's report had no readable time. */
  readonly paidAt: number | null;
}

export type RefundDecision<R extends StoredRefund> =
  /** WeChat has already accepted it: give the same response again. */
  | { readonly kind: "repeat"; readonly refund: R }
  /** Not known to be accepted: send it again, under the same number. */
  | { readonly kind: "send"; readonly refund: R }
  | { readonly kind: "create"; readonly refundFen: number }
  | { readonly kind: "refuse"; readonly detail: string; readonly reason: RefuseReason };

/** Why a request for a refund is refused: a state, or a parameter and what is wrong with it. */
export type RefuseReason =
  | "nothing-left"
  | "too-many-refunds"
  | "payment-too-old"
  | {
      readonly fault: "missing" | "invalid" | "differs";
      readonly parameter: "refundFree" | "appRefundNo";
    };

/**
 * Decides about a request for a refund by comparing it with the order's existing refunds.
 * @param refunds all refunds of the order, the oldest first
 */
export function decideRefund<R extends StoredRefund>(
  paid: PaidOrder,
  refunds: readonly R[],
  request: RefundRequest,
  nowAt: number,
): RefundDecision<R> {
  const live = refunds.filter((refund) => isLive(refund.state));
  const leftFen = paid.totalFen - live.reduce((sum, refund) => sum + refund.refundFen, 0);
  const earlier = refundOfEarlierSending(refunds, live, request, leftFen);
  if (earlier !== undefined) return decideRepeat(earlier, request);
  if (leftFen <= 0) {
    return refuse(
      "订单已无可退金额（已有另一笔退款占用，可不传 appRefundNo 或用原 appRefundNo 查询其结果）",
      "nothing-left",
    );
  }
  if (refunds.length >= MAX_REFUNDS) {
    return refuse(`该订单已有 ${MAX_REFUNDS} 笔退款，微信不再受理`, "too-many-refunds");
  }
  if (paid.paidAt !== null && nowAt - paid.paidAt > REFUNDABLE_PERIOD_MS) {
    return refuse("订单支付已超过一年，微信不再受理退款", "payment-too-old");
  }
  const refundFen = request.refundFen ?? leftFen;
  if (refundFen > leftFen) {
    return refuse(`refundFree 超过可退金额（剩余可退 ${leftFen} 分）`, {
      fault: "invalid",
      parameter: "refundFree",
    });
  }
  if (refundFen < leftFen && request.appRefundNo === null) {
    return refuse(
      `appRefundNo 在部分退款时必传（剩余可退 ${leftFen} 分），以免重复请求造成重复退款`,
      { fault: "missing", parameter: "appRefundNo" },
    );
  }
  return { kind: "create", refundFen };
}

/**
 * The refund that an earlier sending of this request created, if any. With the app's own number, the
 * refund with that number. Without one, the live refund that took everything that was left at its
 * time: even when another refund has closed since, because a repeat must not refund that amount too.
 */
function refundOfEarlierSending<R extends StoredRefund>(
  refunds: readonly R[],
  live: readonly R[],
  request: RefundRequest,
  leftFen: number,
): R | undefined {
  if (request.appRefundNo !== null) {
    return refunds.find((refund) => refund.appRefundNo === request.appRefundNo);
  }
  const unnamed = live.findLast((refund) => refund.appRefundNo === null && refund.source === "app");
  return unnamed ?? (leftFen <= 0 ? live.at(-1) : undefined);
}

function decideRepeat<R extends StoredRefund>(
  refund: R,
  request: RefundRequest,
): RefundDecision<R> {
  if (refund.state === "closed") {
    return refuse("appRefundNo 对应的退款已被微信关闭，请换一个新的 appRefundNo 重新申请", {
      fault: "invalid",
      parameter: "appRefundNo",
    });
  }
  if (request.refundFen !== null && request.refundFen !== refund.refundFen) {
    const which =
      request.appRefundNo === null
        ? "；另一笔退款请传 appRefundNo"
        : "；另一笔退款请换 appRefundNo";
    return refuse(`refundFree 与已有退款的金额 ${refund.refundFen} 分不一致${which}`, {
      fault: "differs",
      parameter: "refundFree",
    });
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

/**
 * Whether the decision asks WeChat for an amount that it isn't asked for yet: a new refund, or one that
 * WeChat has refused. Any other decision only finds out what became of an earlier request.
 */
export function asksForMore(decision: RefundDecision<StoredRefund>): boolean {
  switch (decision.kind) {
    case "create":
      return true;
    case "send":
      return decision.refund.state === "refused";
    case "repeat":
    case "refuse":
      return false;
  }
}

function refuse(detail: string, reason: RefuseReason) {
  return { kind: "refuse", detail, reason } as const;
}
