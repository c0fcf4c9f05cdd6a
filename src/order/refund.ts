import { decideRefund, statesBefore, type RefundWish } from "../core/refund-life.ts";
import { nextRefundAskDelay } from "../core/follow-up.ts";
import { err, ok, type Result } from "../core/result.ts";
import { findOrderWithRefunds, findRefund, insertRefund, moveRefund } from "../db/refunds.ts";
import type { OrderRow, RefundRow } from "../db/rows.ts";
import { badRequest, ORDER_ABSENT, serverFault, type Refusal } from "../errors.ts";
import { newNumber } from "../numbers.ts";
import { refundNotifyUrl } from "../notify-paths.ts";
import type { RefundAnswer, WechatPay } from "../wechat/wechat-pay.ts";
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
      return await watchAndSend(context, paid.value, decision.refund);
    case "create": {
      const refund = await insertRefund(
        context.db,
        {
          orderId: paid.value.id,
          appId,
          number: newNumber(),
          appRefundNo: wish.appRefundNo,
          refundFen: decision.refundFen,
        },
        Date.now(),
      );
      if (refund === null) {
        return err(badRequest("appRefundNo 已用于其他退款，或订单已无可退金额"));
      }
      context.timeline.add(Date.now(), "refund.requested", {
        refundNo: refund.number,
        refundFen: refund.refundFen,
      });
      return await watchAndSend(context, paid.value, refund);
    }
  }
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
 * The follow-up timer comes first: if nothing is heard of the refund, it asks until the outcome is
 * known.
 */
async function watchAndSend(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<Result<AcceptedRefund, Refusal>> {
  await context.timers.arm(
    { kind: "ask-refund", refundNo: refund.number },
    Date.now() + nextRefundAskDelay(0),
  );
  return await sendRefund(context, order, refund);
}

/** Sends a stored refund to WeChat, under its own number. Its follow-up timer is armed already. */
export async function sendRefund(
  context: OrderContext,
  order: OrderRow,
  refund: RefundRow,
): Promise<Result<AcceptedRefund, Refusal>> {
  const { db, timers } = context;
  if (refund.state === "refused") {
    await moveRefund(
      db,
      refund.number,
      { from: statesBefore("requested"), to: "requested", refundId: null, succeededAt: null },
      Date.now(),
    );
  }
  const answer = await callWechat(context, order, refund, await context.wechatOf(order));
  switch (answer.kind) {
    case "accepted": {
      const moved = await moveRefund(
        db,
        refund.number,
        {
          from: statesBefore("accepted"),
          to: "accepted",
          refundId: answer.refundId,
          succeededAt: null,
        },
        Date.now(),
      );
      // Already further on: a notification was faster than this answer.
      return accepted(moved ?? (await findRefund(db, refund.number)) ?? refund);
    }
    case "refused": {
      await moveRefund(
        db,
        refund.number,
        { from: statesBefore("refused"), to: "refused", refundId: null, succeededAt: null },
        Date.now(),
      );
      const armed = timers.find({ kind: "ask-refund", refundNo: refund.number });
      if (armed !== undefined) await timers.remove(armed);
      return err(refusalOf(answer));
    }
    case "unknown":
      return err(UNKNOWN);
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
    notifyUrl: refundNotifyUrl(context.config.publicUrl, order.merchantId),
  });
  context.timeline.add(Date.now(), "wechat.refund", {
    refundNo: refund.number,
    answer: answer.kind,
    ...(answer.kind === "accepted" ? { refundId: answer.refundId } : {}),
    ...(answer.kind === "refused" ? { code: answer.code, message: answer.message } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  if (answer.kind === "accepted" && answer.refundFen !== refund.refundFen) {
    return { kind: "unknown", reason: "WeChat accepted another amount than was asked for" };
  }
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
