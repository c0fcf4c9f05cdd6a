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
  accountAfterRelease,
  amountTaken,
  asksForMore,
  decideRefund,
  firstAccount,
  isOpen,
  isUnconfirmedRefusal,
  refundableFen,
  type RefundLimits,
  type RefundRequest,
} from "../../domain/refund.ts";
import { randomHex32 } from "../../lib/random.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { notifyUrl } from "../../wechat/notify-paths.ts";
import type { RefundRefused } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { queryPayment } from "../poll-payment.ts";
import { dayLimitRefusal } from "./day-limit.ts";
import { queryRefund } from "./outcome.ts";
import { accepted, sendRefund, type AcceptedRefund, type SendOutcome } from "./send.ts";
import { armRefundTimer, disarmRefundTimer, pollRefundTimer } from "./timer.ts";

const UNKNOWN = serverFault(
  "微信尚未给出明确结果，退款可能已受理；网关会自动查询。重复本请求是安全的，不会重复退款",
  "unknown-at-wechat",
);

const NOTHING_LEFT = badRequest("appRefundNo 已用于其他退款，或订单已无可退金额", "nothing-left");

/** An app's request, with the reason that WeChat shows to the payer. */
export interface ReasonedRequest extends RefundRequest {
  /** Of a repeat it is ignored: the first one was sent and counts (W-39). */
  readonly refundReason: string | null;
}

/**
 * Refunds an order of this app. Callers queue: one order's refunds run one after the other, because
 * the object lets other calls in at every `await`.
 */
export async function requestRefund(
  context: OrderContext,
  appId: number,
  request: ReasonedRequest,
  limits: RefundLimits,
): Promise<Result<AcceptedRefund, Refusal>> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null || found.order.appId !== appId) return err(ORDER_ABSENT);
  const paid = await paidOrder(context, found.order);
  if (!paid.ok) return paid;
  const refunds = await withConfirmedRefusals(context, found.refunds);
  const decision = decideRefund(paid.value, refunds, request, Date.now());
  if (!limits.canRefund && asksForMore(decision)) return err(REFUNDS_OFF);
  switch (decision.kind) {
    case "refuse":
      return err(badRequest(decision.detail, decision.reason));
    case "wait":
      return err(refusalUnconfirmed(decision.refund));
    case "repeat":
      return await respond(context, paid.value, decision.refund, accepted(decision.refund));
    case "send": {
      const { refund } = decision;
      await armRefundTimer(context, refund.number);
      const repeated = refund.state === "requested";
      const open = repeated ? ok(refund) : await reopen(context, paid.value, refund, limits);
      if (!open.ok) return open;
      const slot = { repeated, ahead: refundsAhead(context, refunds, refund) };
      const outcome = await sendRefund(context, paid.value, open.value, slot);
      return await respond(context, paid.value, open.value, outcome);
    }
    case "create": {
      const { refundFen } = decision;
      const refund = await createRefund(context, paid.value, { ...request, refundFen }, limits);
      if (!refund.ok) return refund;
      const slot = { repeated: false, ahead: refundsAhead(context, refunds, refund.value) };
      const outcome = await sendRefund(context, paid.value, refund.value, slot);
      return await respond(context, paid.value, refund.value, outcome);
    }
  }
}

/**
 * The refunds after WeChat was queried about those that it refused and whose absence isn't
 * confirmed yet: the request may need their amount.
 */
async function withConfirmedRefusals(
  context: OrderContext,
  refunds: readonly RefundRow[],
): Promise<readonly RefundRow[]> {
  const unconfirmed = refunds.filter(isUnconfirmedRefusal);
  if (unconfirmed.length === 0) return refunds;
  for (const { number } of unconfirmed) {
    const queried = await queryRefund(context, number);
    // The app waits, and WeChat doesn't answer: the others stay for their timers.
    if (queried?.answered !== true) break;
  }
  return (await findOrderWithRefunds(context.db, context.number))?.refunds ?? refunds;
}

function refusalUnconfirmed({ number, refundFen }: RefundRow): Refusal {
  return serverFault(
    `微信拒绝过该订单的另一笔退款（refund_no=${number}，${refundFen} 分），但尚未确认微信没有这笔退款，其金额暂时保留；网关会继续查询。重复本请求是安全的，不会重复退款`,
    "unknown-at-wechat",
  );
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
  order: OrderRow,
  refund: RefundRow,
  outcome: SendOutcome,
): Promise<Result<AcceptedRefund, Refusal>> {
  switch (outcome.kind) {
    case "accepted":
      return ok(outcome.refund);
    case "refused":
      return err(await refusalOf(context, order, refund, outcome.answer));
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

/** The order's amount, in fen, that can be refunded now, according to the record. */
async function leftFen({ db, number }: OrderContext): Promise<number> {
  const found = await findOrderWithRefunds(db, number);
  return found === null ? 0 : refundableFen(found.order, found.refunds);
}

/**
 * A refusal by WeChat. One about the amount says what is left, so that the app can ask for that; one
 * that names a value of the app's names the parameter, unless the record has chosen the amount.
 */
async function refusalOf(
  context: OrderContext,
  { totalFen }: OrderRow,
  { refundFen }: RefundRow,
  { code, message, blame, parameter, cause }: RefundRefused,
): Promise<Refusal> {
  const text = `微信拒绝退款：${code} ${message}`;
  if (cause === "amount" && blame === "request") {
    return badRequest(
      `${text}（网关记录的剩余可退金额为 ${await leftFen(context)} 分）`,
      "refused-by-wechat",
    );
  }
  if (parameter !== undefined) {
    const reason = { fault: "refused-by-wechat", parameter } as const;
    return refundFen < totalFen
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

/** Timer first, then the row: after a crash at any point the timer queries WeChat. */
async function createRefund(
  context: OrderContext,
  order: OrderRow,
  { refundFen, appRefundNo, refundReason }: ReasonedRequest & { readonly refundFen: number },
  { maxRefundFenPerDay }: RefundLimits,
): Promise<Result<RefundRow, Refusal>> {
  const number = randomHex32();
  const fundsAccount = firstAccount(await context.refundFundsOf(order));
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
      reason: refundReason,
      fundsAccount,
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

/**
 * A refused refund is asked for again: in D1 first, as a new one, within what is left and the day's
 * limit.
 */
async function reopen(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  { maxRefundFenPerDay: maxFenPerDay }: RefundLimits,
): Promise<Result<RefundRow, Refusal>> {
  const refundFunds = await context.refundFundsOf(order);
  const fundsAccount = accountAfterRelease(refundFunds, refund.fundsAccount);
  const terms = { fundsAccount, maxFenPerDay };
  const reopened = await reopenRefund(context.db, refund, terms, Date.now());
  if (reopened !== null) return ok(reopened);
  const found = await findOrderWithRefunds(context.db, context.number);
  const current = found?.refunds.find(({ number }) => number === refund.number);
  // Not refused any more: its timer stays, and finds out.
  if (found === null || current?.state !== "refused") return err(UNKNOWN);
  if (!isOpen(current)) await disarmRefundTimer(context, refund.number);
  const overLimit = await dayLimitRefusal(context, order, refund.refundFen, maxFenPerDay);
  return err(
    overLimit ?? badRequest(amountTaken(refundableFen(found.order, found.refunds)), "amount-taken"),
  );
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
