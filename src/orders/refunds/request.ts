import {
  badRequest,
  ORDER_ABSENT,
  REFUNDS_OFF,
  serverFault,
  type Refusal,
} from "../../contract/refusal.ts";
import { findOrderWithRefunds, insertRefund, reopenRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import {
  asksForMore,
  decideRefund,
  type RefundLimits,
  type RefundRequest,
} from "../../domain/refund.ts";
import { randomHex32 } from "../../lib/random.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { notifyUrl } from "../../wechat/notify-paths.ts";
import type { OrderContext } from "../context.ts";
import { queryPayment } from "../poll-payment.ts";
import { dayLimitRefusal } from "./day-limit.ts";
import { accepted, sendRefund, type AcceptedRefund, type SendOutcome } from "./send.ts";
import { armRefundTimer, disarmRefundTimer, pollRefundTimer } from "./timer.ts";

const UNKNOWN = serverFault(
  "微信尚未给出明确结果，退款可能已受理；网关会自动查询。重复本请求是安全的，不会重复退款",
  "unknown-at-wechat",
);

const NOTHING_LEFT = badRequest("appRefundNo 已用于其他退款，或订单已无可退金额", "nothing-left");

/**
 * Refunds an order of this app. Callers queue: one order's refunds run one after the other, because
 * the object lets other calls in at every `await`.
 */
export async function requestRefund(
  context: OrderContext,
  appId: number,
  request: RefundRequest,
  limits: RefundLimits,
): Promise<Result<AcceptedRefund, Refusal>> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null || found.order.appId !== appId) return err(ORDER_ABSENT);
  const paid = await paidOrder(context, found.order);
  if (!paid.ok) return paid;
  const decision = decideRefund(paid.value, found.refunds, request, Date.now());
  if (!limits.canRefund && asksForMore(decision)) return err(REFUNDS_OFF);
  switch (decision.kind) {
    case "refuse":
      return err(badRequest(decision.detail, decision.reason));
    case "repeat":
      return await respond(context, decision.refund, accepted(decision.refund));
    case "send": {
      const { refund } = decision;
      await armRefundTimer(context, refund.number);
      const repeated = refund.state === "requested";
      const open = repeated ? ok(refund) : await reopen(context, paid.value, refund, limits);
      if (!open.ok) return open;
      const slot = { repeated, ahead: refundsAhead(context, found.refunds, refund) };
      const outcome = await sendRefund(context, paid.value, open.value, slot);
      return await respond(context, open.value, outcome);
    }
    case "create": {
      const wanted = { refundFen: decision.refundFen, appRefundNo: request.appRefundNo };
      const refund = await createRefund(context, paid.value, wanted, limits);
      if (!refund.ok) return refund;
      const slot = { repeated: false, ahead: refundsAhead(context, found.refunds, refund.value) };
      const outcome = await sendRefund(context, paid.value, refund.value, slot);
      return await respond(context, refund.value, outcome);
    }
  }
}

/** Refunds requested before this one that are not known to have been sent. */
function refundsAhead(
  { lastRefund }: OrderContext,
  refunds: readonly RefundRow[],
  refund: RefundRow,
): number {
  const sent = lastRefund.get()?.refundNo;
  return refunds.filter(
    ({ id, number, state }) => state === "requested" && id < refund.id && number !== sent,
  ).length;
}

/** The answer to the app. A refund that has to wait keeps its timer, which sends it. */
async function respond(
  context: OrderContext,
  refund: RefundRow,
  outcome: SendOutcome,
): Promise<Result<AcceptedRefund, Refusal>> {
  switch (outcome.kind) {
    case "accepted":
      return ok(outcome.refund);
    case "refused":
      return err(outcome.refusal);
    case "unknown":
      return err(UNKNOWN);
    case "held": {
      const { waitMs } = outcome;
      await context.timers.arm(pollRefundTimer(refund.number), Date.now() + waitMs);
      return err(
        serverFault(
          `退款已登记，尚未提交微信：同一订单的两笔退款须间隔一分钟，将于约 ${Math.ceil(waitMs / 1000)} 秒后自动提交。重复本请求可得知结果，是安全的，不会重复退款`,
          "refund-held",
        ),
      );
    }
  }
}

/** Timer first, then the row: after a crash at any point the timer queries WeChat. */
async function createRefund(
  context: OrderContext,
  order: OrderRow,
  { refundFen, appRefundNo }: Pick<RefundRow, "refundFen" | "appRefundNo">,
  { maxRefundFenPerDay }: RefundLimits,
): Promise<Result<RefundRow, Refusal>> {
  const number = randomHex32();
  await armRefundTimer(context, number);
  const refund = await insertRefund(
    context.db,
    {
      orderId: order.id,
      appId: order.appId,
      number,
      appRefundNo,
      refundFen,
      notifyUrl: notifyUrl(context.config.publicUrl, "refund", order),
    },
    maxRefundFenPerDay,
    Date.now(),
  );
  if (refund === null) {
    await disarmRefundTimer(context, number);
    const overLimit = await dayLimitRefusal(context, order, refundFen, maxRefundFenPerDay);
    return err(overLimit ?? NOTHING_LEFT);
  }
  context.timeline.add(Date.now(), "refund.requested", { refundNo: number, refundFen });
  return ok(refund);
}

/** A refused refund is asked for again: in D1 first, as a new one, and within the day's limit. */
async function reopen(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  { maxRefundFenPerDay }: RefundLimits,
): Promise<Result<RefundRow, Refusal>> {
  const reopened = await reopenRefund(context.db, refund, maxRefundFenPerDay, Date.now());
  if (reopened !== null) return ok(reopened);
  const overLimit = await dayLimitRefusal(context, order, refund.refundFen, maxRefundFenPerDay);
  // Not refused any more: its timer stays, and finds out.
  if (overLimit === null) return err(UNKNOWN);
  await disarmRefundTimer(context, refund.number);
  return err(overLimit);
}

/** The order as paid; for one that isn't recorded as paid, WeChat is queried first. */
async function paidOrder(
  context: OrderContext,
  order: OrderRow,
): Promise<Result<OrderRow, Refusal>> {
  if (order.payState === "paid") return ok(order);
  const state = await queryPayment(context, order, await context.wechatOf(order));
  switch (state) {
    case "paid": {
      const again = await findOrderWithRefunds(context.db, context.number);
      return again === null ? err(ORDER_ABSENT) : ok(again.order);
    }
    case "waiting":
    case "closed":
    case "absent":
      return err(badRequest("订单未支付，不能退款", "order-unpaid"));
    case "unknown":
      return err(
        serverFault(
          "订单尚未记为已支付，向微信查询又未得到明确结果。重复本请求是安全的",
          "unknown-at-wechat",
        ),
      );
  }
}
