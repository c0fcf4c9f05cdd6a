/**
 * The states of a refund, and the decision about a request for one.
 *
 * requested -> accepted -> succeeded | closed | abnormal, abnormal -> succeeded | closed,
 * requested -> refused -> (sent again under the same number) requested.
 *
 * A refused refund reserves its amount until a query shows that WeChat doesn't have it. Then another
 * refund may take the amount, and the refused one is never sent again.
 */

import type {
  FundsAccount,
  RefundFunds,
  RefundRelease,
  RefundSource,
  RefundState,
} from "./states.ts";

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

/** The fields that decide whether a refund reserves its amount. */
type Reservation = Pick<StoredRefund, "state" | "released">;

/**
 * Whether the refund reserves its amount: all do, except one that WeChat closed and one that it
 * refused and doesn't have. db/refunds.ts has the same rule in SQL.
 */
export function isLive({ state, released }: Reservation): boolean {
  return state !== "closed" && !(state === "refused" && released !== null);
}

/**
 * The refund of an order that most needs eyes, the latest among equals: one that is stuck, then one
 * that WeChat refused and whose amount no other has taken, one whose outcome is unknown, one on its
 * way, one that has ended. Null without refunds.
 * @param refunds the oldest first
 */
export function mostUrgent<R extends Reservation>(refunds: readonly R[]): R | null {
  return refunds.toReversed().toSorted((a, b) => urgency(a) - urgency(b))[0] ?? null;
}

/** The lower, the more urgent. */
function urgency({ state, released }: Reservation): number {
  switch (state) {
    case "abnormal":
      return 0;
    case "refused":
      return released === "taken" ? 4 : 1;
    case "requested":
      return 2;
    case "accepted":
      return 3;
    case "closed":
    case "succeeded":
      return 4;
  }
}

/** Whether WeChat has to be queried about it. A released refund is sent again only for the app. */
export function isOpen(refund: Reservation): boolean {
  return isLive(refund) && !isFinal(refund.state);
}

/** Whether WeChat refused it, but no query has shown yet that WeChat doesn't have it. */
export function isUnconfirmedRefusal(refund: Reservation): boolean {
  return refund.state === "refused" && refund.released === null;
}

/** The account that a merchant's new refund names; null: none. */
export function firstAccount(refundFunds: RefundFunds): FundsAccount | null {
  switch (refundFunds) {
    case "available":
      return "available";
    case "unsettled":
    case "unsettled-then-available":
      return null;
  }
}

/**
 * The account that a released refund names when it is sent again: WeChat doesn't have it, so the
 * merchant's present choice counts. The second account stays once it was tried.
 */
export function accountAfterRelease(
  refundFunds: RefundFunds,
  named: FundsAccount | null,
): FundsAccount | null {
  return refundFunds === "unsettled-then-available" ? named : firstAccount(refundFunds);
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
  readonly released: RefundRelease | null;
  readonly source: RefundSource;
}

/** What tells an app's requests apart: `refundFen` null means everything that is left. */
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
  | Refuse
  /** Can't be decided before WeChat has answered the query about `refund`, which it refused. */
  | { readonly kind: "wait"; readonly refund: R };

/** `detail` is for the app, in Chinese. */
interface Refuse {
  readonly kind: "refuse";
  readonly detail: string;
  readonly reason: RefuseReason;
}

/** Why a request for a refund is refused: a state, or a parameter and what is wrong with it. */
export type RefuseReason =
  | "nothing-left"
  | "too-many-refunds"
  | "payment-too-old"
  | "amount-taken"
  | "refund-abnormal"
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
  const leftFen = refundableFen(paid, refunds);
  const earlier = refundOfEarlierSending(refunds, request, leftFen);
  if (earlier !== undefined) return decideRepeat(earlier, request, leftFen);
  return heldBack(refunds, request, leftFen) ?? decideNew(paid, refunds, request, leftFen, nowAt);
}

/** The wait of a request that only the amount of unconfirmed refusals keeps from being created. */
function heldBack<R extends StoredRefund>(
  refunds: readonly R[],
  request: RefundRequest,
  leftFen: number,
): RefundDecision<R> | null {
  const unconfirmed = refunds.filter(isUnconfirmedRefusal);
  const [first] = unconfirmed;
  const mostFen = unconfirmed.reduce((sum, { refundFen }) => sum + refundFen, leftFen);
  const leastFen = request.refundFen ?? 1;
  return first !== undefined && leastFen > leftFen && leastFen <= mostFen
    ? { kind: "wait", refund: first }
    : null;
}

/** The part of the payment that no refund has reserved, in fen. Negative when imports exceed it. */
export function refundableFen(
  { totalFen }: Pick<PaidOrder, "totalFen">,
  refunds: readonly Pick<StoredRefund, "state" | "released" | "refundFen">[],
): number {
  return refunds.filter(isLive).reduce((left, { refundFen }) => left - refundFen, totalFen);
}

/**
 * The refund that an earlier sending of this request created, if any. With the app's own number, the
 * refund with that number. Without one, the live refund that took everything that was left at its
 * time: even when another refund has closed since, because a repeat must not refund that amount too.
 * A released one counts only if it is exactly what the request asks for now: a repeat of a request
 * for everything takes what is left now.
 */
function refundOfEarlierSending<R extends StoredRefund>(
  refunds: readonly R[],
  request: RefundRequest,
  leftFen: number,
): R | undefined {
  if (request.appRefundNo !== null) {
    return refunds.find((refund) => refund.appRefundNo === request.appRefundNo);
  }
  const live = refunds.filter(isLive);
  const unnamed = live.findLast(isUnnamed);
  if (unnamed !== undefined) return unnamed;
  if (leftFen <= 0) return live.findLast(({ state }) => state === "abnormal") ?? live.at(-1);
  const refundFen = request.refundFen ?? leftFen;
  return refunds.findLast(
    (refund) =>
      isUnnamed(refund) &&
      refund.released === "free" &&
      refund.state === "refused" &&
      refund.refundFen === refundFen &&
      refundFen <= leftFen,
  );
}

function isUnnamed({ appRefundNo, source }: StoredRefund): boolean {
  return appRefundNo === null && source === "app";
}

function decideNew(
  paid: PaidOrder,
  refunds: readonly StoredRefund[],
  request: RefundRequest,
  leftFen: number,
  nowAt: number,
): Refuse | { readonly kind: "create"; readonly refundFen: number } {
  if (leftFen <= 0) {
    return refuse(
      "订单已无可退金额（已有另一笔退款占用，可不传 appRefundNo 或用原 appRefundNo 查询其结果）",
      "nothing-left",
    );
  }
  // WeChat doesn't have the released ones.
  if (refunds.filter(isAtWechat).length >= MAX_REFUNDS) {
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

/** Whether WeChat has the refund, or may have it. */
function isAtWechat(refund: StoredRefund): boolean {
  return refund.state === "closed" || isLive(refund);
}

function decideRepeat<R extends StoredRefund>(
  refund: R,
  request: RefundRequest,
  leftFen: number,
): RefundDecision<R> {
  const { state, released, refundFen } = refund;
  if (state === "closed") {
    return refuse("appRefundNo 对应的退款已被微信关闭，请换一个新的 appRefundNo 重新申请", {
      fault: "invalid",
      parameter: "appRefundNo",
    });
  }
  if (state === "refused" && released === "taken")
    return refuse(amountTaken(leftFen), "amount-taken");
  if (request.refundFen !== null && request.refundFen !== refundFen) {
    const which =
      request.appRefundNo === null
        ? "；另一笔退款请传 appRefundNo"
        : "；另一笔退款请换 appRefundNo";
    return refuse(`refundFree 与已有退款的金额 ${refundFen} 分不一致${which}`, {
      fault: "differs",
      parameter: "refundFree",
    });
  }
  switch (state) {
    case "requested":
      return { kind: "send", refund };
    case "refused":
      if (released === null)
        return leftFen < 0 ? { kind: "wait", refund } : { kind: "send", refund };
      return refundFen > leftFen
        ? refuse(amountTaken(leftFen), "amount-taken")
        : { kind: "send", refund };
    case "abnormal":
      return refuse(
        `退款异常：付款人的账户无法收款，须由商户在微信商户平台处理（refund_no=${refund.number}，${refundFen} 分）；处理结果会另行通知，重复本请求不会重复退款`,
        "refund-abnormal",
      );
    case "accepted":
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
    case "wait":
      return true;
    case "send":
      return decision.refund.state === "refused";
    case "repeat":
    case "refuse":
      return false;
  }
}

/** Why a refund that WeChat refused can't be sent again: what it asked for is no longer left. */
export function amountTaken(leftFen: number): string {
  return `appRefundNo 对应的退款曾被微信拒绝，其金额已被其他退款占用，不会再提交微信（剩余可退 ${Math.max(leftFen, 0)} 分）；如仍需退款，请换一个新的 appRefundNo 重新申请`;
}

function refuse(detail: string, reason: RefuseReason): Refuse {
  return { kind: "refuse", detail, reason };
}
