import { decideRefund, statesBefore, type RefundWish } from "../core/refund-life.ts";
import { nextRefundAskDelay } from "../core/follow-up.ts";
import { err, ok, type Result } from "../core/result.ts";
import { findOrderWithRefunds, findRefund, insertRefund, moveRefund } from "../db/refunds.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import { badRequest, ORDER_ABSENT, serverFault, type Refusal } from "../errors.ts";
import { newNumber } from "../numbers.ts";
import { refundNotifyUrl } from "../notify-paths.ts";
import type { RefundAnswer, Refused, WechatPay } from "../wechat/wechat-pay.ts";
import { askPayment } from "./ask-payment.ts";
import type { OrderContext } from "./context.ts";
import { keyOf } from "./keys.ts";

/** A refund that WeChat has accepted, with WeChat's number and ours. */
export interface AcceptedRefund {
  readonly refundId: string;
  readonly refundNo: string;
}

const UNKNOWN = serverFault(
  "微信尚未给出明确结果，退款可能已受理；网关会自动查询。重复本请求是安全的，不会重复退款",
);

/**
 * Refunds an order of this app. Callers queue: one order's refunds run one after the other, for the
 * object lets others in at every `await`.
 */
export async function refundOrder(
  context: OrderContext,
  appId: number,
  wish: RefundWish,
): Promise<Result<AcceptedRefund, Refusal>> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null || found.order.appId !== appId) return err(ORDER_ABSENT);
  const paid = await paidOrder(context, found.order);
  if (!paid.ok) return paid;
  const decision = decideRefund(paid.value.totalFen, found.refunds, wish);
  switch (decision.kind) {
    case "refuse":
      return err(badRequest(decision.detail));
    case "repeat":
      return accepted(decision.refund);
    case "send":
      await watch(context, decision.refund.number);
      return await sendRefund(context, paid.value, decision.refund, "again");
    case "create":
      return await createRefund(context, paid.value, decision.refundFen, wish.appRefundNo);
  }
}

/** The timer first, then the row, then the call: wherever a crash comes, somebody asks. */
async function createRefund(
  context: OrderContext,
  order: OrderRow,
  refundFen: number,
  appRefundNo: string | null,
): Promise<Result<AcceptedRefund, Refusal>> {
  const number = newNumber();
  await watch(context, number);
  const refund = await insertRefund(
    context.db,
    {
      orderId: order.id,
      appId: order.appId,
      number,
      appRefundNo,
      refundFen,
      notifyUrl: refundNotifyUrl(context.config.publicUrl, order.protocol, order.merchantId),
    },
    Date.now(),
  );
  if (refund === null) {
    await unwatch(context, number);
    return err(badRequest("appRefundNo 已用于其他退款，或订单已无可退金额"));
  }
  context.timeline.add(Date.now(), "refund.requested", { refundNo: number, refundFen });
  return await sendRefund(context, order, refund, "first");
}

/** Arms the timer that asks about the refund until its outcome is known. */
async function watch({ timers }: OrderContext, refundNo: string): Promise<void> {
  await timers.arm({ kind: "ask-refund", refundNo }, Date.now() + nextRefundAskDelay(0));
}

async function unwatch({ timers }: OrderContext, refundNo: string): Promise<void> {
  const armed = timers.find({ kind: "ask-refund", refundNo });
  if (armed !== undefined) await timers.remove(armed);
}

/** The order as paid; one that looks unpaid is checked with WeChat first. */
async function paidOrder(
  context: OrderContext,
  order: OrderRow,
): Promise<Result<OrderRow, Refusal>> {
  if (order.payState === "paid") return ok(order);
  const state = await askPayment(context, order, await context.wechatOf(order));
  switch (state) {
    case "paid": {
      const again = await findOrderWithRefunds(context.db, context.number);
      return again === null ? err(ORDER_ABSENT) : ok(again.order);
    }
    case "waiting":
    case "closed":
    case "absent":
      return err(badRequest("订单未支付，不能退款"));
    case "unknown":
      return err(serverFault("订单尚未记为已支付，向微信查询又未得到明确结果。重复本请求是安全的"));
  }
}

/**
 * Sends a stored refund to WeChat, under its own number. Its timer is armed already.
 *
 * @param turn `again` when an earlier sending may have arrived: a refusal of this one then says
 *   nothing about that one, so WeChat is asked before the refund is called refused.
 */
export async function sendRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
  turn: "first" | "again",
): Promise<Result<AcceptedRefund, Refusal>> {
  if (refund.state === "refused") await move(context, refund, "requested", null);
  const wechat = await context.wechatOf(order);
  const sent = await callWechat(context, order, refund, wechat);
  const answer =
    sent.kind === "refused" && turn === "again" && refund.state === "requested"
      ? await confirmRefusal(context, order, refund, wechat, sent)
      : sent;
  switch (answer.kind) {
    case "accepted": {
      const moved = await move(context, refund, "accepted", answer.refundId);
      // Already further on: a notification was faster than this answer.
      return accepted(moved ?? (await findRefund(context.db, refund.number)) ?? refund);
    }
    case "refused":
      await move(context, refund, "refused", null);
      await unwatch(context, refund.number);
      return err(refusalOf(answer));
    case "unknown":
      return err(UNKNOWN);
  }
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
  wechat: WechatPay,
  refused: Refused,
): Promise<RefundAnswer> {
  const found = await wechat.queryRefund(keyOf(order), refund.number);
  context.timeline.add(Date.now(), "wechat.refundquery", {
    refundNo: refund.number,
    answer: found.kind,
  });
  switch (found.kind) {
    case "found":
      return {
        kind: "accepted",
        refundId: found.refund.refundId,
        refundFen: found.refund.refundFen,
      };
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

function accepted(refund: RefundRow): Result<AcceptedRefund, Refusal> {
  return refund.refundId === null
    ? err(UNKNOWN)
    : ok({ refundId: refund.refundId, refundNo: refund.number });
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
