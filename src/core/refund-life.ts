/**
 * The life of a refund. Pure: what is stored and what is known go in, what to do comes out.
 *
 * requested -> accepted -> succeeded | closed | abnormal, abnormal -> succeeded | closed,
 * requested -> refused -> (asked again under the same number) requested.
 */

import type { RefundState } from "./contract/records.ts";

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
export function isSettled(state: RefundState): boolean {
  return state === "succeeded" || state === "closed";
}

/** Whether the app is told of a refund that reached this state. */
export function isNews(state: RefundState): boolean {
  return state === "succeeded" || state === "closed" || state === "abnormal";
}

/** Whether the refund holds its amount. Only one that WeChat closed for good frees it. */
export function isLive(state: RefundState): boolean {
  return state !== "closed";
}

/** A stored refund, as far as a new request is weighed against it. */
export interface StoredRefund {
  readonly number: string;
  readonly appRefundNo: string | null;
  readonly refundFen: number;
  readonly state: RefundState;
}

/** What an app asks for: `refundFen` null is all that is left. */
export interface RefundWish {
  readonly refundFen: number | null;
  readonly appRefundNo: string | null;
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
 * @param paidFen what the payer paid
 * @param refunds all refunds of the order
 */
export function decideRefund<R extends StoredRefund>(
  paidFen: number,
  refunds: readonly R[],
  wish: RefundWish,
): RefundDecision<R> {
  const named =
    wish.appRefundNo === null
      ? undefined
      : refunds.find((refund) => refund.appRefundNo === wish.appRefundNo);
  if (named !== undefined) {
    return named.state === "closed"
      ? refuse("appRefundNo 对应的退款已被微信关闭，请换一个新的 appRefundNo 重新申请")
      : again(named, wish);
  }
  const live = refunds.filter((refund) => isLive(refund.state));
  const leftFen = paidFen - live.reduce((sum, refund) => sum + refund.refundFen, 0);
  if (leftFen <= 0) {
    const latest = live.at(-1);
    if (latest === undefined || wish.appRefundNo !== null) {
      return refuse(
        "订单已无可退金额（已有另一笔退款占用，可不传 appRefundNo 或用原 appRefundNo 查询其结果）",
      );
    }
    return again(latest, wish);
  }
  const refundFen = wish.refundFen ?? leftFen;
  if (refundFen > leftFen) return refuse(`refundFree 超过可退金额（剩余可退 ${leftFen} 分）`);
  if (refundFen < leftFen) {
    return refuse(`refundFree 须等于全部可退金额 ${leftFen} 分：暂不支持部分退款`);
  }
  return { kind: "create", refundFen };
}

function again<R extends StoredRefund>(refund: R, wish: RefundWish): RefundDecision<R> {
  if (wish.refundFen !== null && wish.refundFen !== refund.refundFen) {
    return refuse(`refundFree 与已有退款的金额 ${refund.refundFen} 分不一致`);
  }
  switch (refund.state) {
    case "requested":
    case "refused":
      return { kind: "send", refund };
    case "accepted":
    case "abnormal":
    case "succeeded":
      return { kind: "repeat", refund };
    case "closed":
      return refuse("该退款已被微信关闭");
  }
}

function refuse(detail: string): { readonly kind: "refuse"; readonly detail: string } {
  return { kind: "refuse", detail };
}
