import { decideRefund, type RefundRequest } from "../../domain/refund.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { findOrderWithRefunds, insertRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { badRequest, ORDER_ABSENT, serverFault, type Refusal } from "../../contract/refusal.ts";
import { randomHex32 } from "../../lib/random.ts";
import { refundNotifyUrl } from "../../wechat/notify-paths.ts";
import { queryPayment } from "../poll-payment.ts";
import type { OrderContext } from "../context.ts";
import { pollRefundTimer, disarmRefundTimer, armRefundTimer } from "./timer.ts";
import { accepted, sendRefund, type AcceptedRefund, type SendOutcome } from "./send.ts";

const UNKNOWN = serverFault(
  "微信尚未给出明确结果，退款可能已受理；网关会自动查询。重复本请求是安全的，不会重复退款",
);

/**
 * Refunds an order of this app. Callers queue: one order's refunds run one after the other, for the
 * object lets others in at every `await`.
 */
export async function requestRefund(
  context: OrderContext,
  appId: number,
  wish: RefundRequest,
): Promise<Result<AcceptedRefund, Refusal>> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null || found.order.appId !== appId) return err(ORDER_ABSENT);
  const paid = await paidOrder(context, found.order);
  if (!paid.ok) return paid;
  const decision = decideRefund(paid.value, found.refunds, wish, Date.now());
  switch (decision.kind) {
    case "refuse":
      return err(badRequest(decision.detail));
    case "repeat":
      return await answerOf(context, decision.refund, accepted(decision.refund));
    case "send": {
      const { refund } = decision;
      await armRefundTimer(context, refund.number);
      const turn = { repeated: true, ahead: waitingBefore(context, found.refunds, refund) };
      return await answerOf(context, refund, await sendRefund(context, paid.value, refund, turn));
    }
    case "create": {
      const refund = await createRefund(context, paid.value, decision.refundFen, wish.appRefundNo);
      if (!refund.ok) return refund;
      const turn = { repeated: false, ahead: waitingBefore(context, found.refunds, refund.value) };
      return await answerOf(
        context,
        refund.value,
        await sendRefund(context, paid.value, refund.value, turn),
      );
    }
  }
}

/** Refunds that were asked for before this one and haven't been sent yet, as far as is known. */
function waitingBefore(
  { lastRefund }: OrderContext,
  refunds: readonly RefundRow[],
  refund: RefundRow,
): number {
  const sent = lastRefund.get()?.refundNo;
  return refunds.filter(
    ({ id, number, state }) => state === "requested" && id < refund.id && number !== sent,
  ).length;
}

/** What the app is told. A refund that has to wait keeps its timer, which sends it. */
async function answerOf(
  context: OrderContext,
  refund: RefundRow,
  sending: SendOutcome,
): Promise<Result<AcceptedRefund, Refusal>> {
  switch (sending.kind) {
    case "accepted":
      return ok(sending.refund);
    case "refused":
      return err(sending.refusal);
    case "unknown":
      return err(UNKNOWN);
    case "held": {
      const { waitMs } = sending;
      await context.timers.arm(pollRefundTimer(refund.number), Date.now() + waitMs);
      return err(
        serverFault(
          `退款已登记，尚未提交微信：同一订单的两笔退款须间隔一分钟，将于约 ${Math.ceil(waitMs / 1000)} 秒后自动提交。重复本请求可得知结果，是安全的，不会重复退款`,
        ),
      );
    }
  }
}

/** Timer first, then the row: wherever a crash comes, somebody asks. */
async function createRefund(
  context: OrderContext,
  order: OrderRow,
  refundFen: number,
  appRefundNo: string | null,
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
      notifyUrl: refundNotifyUrl(context.config.publicUrl, order.protocol, order.merchantId),
    },
    Date.now(),
  );
  if (refund === null) {
    await disarmRefundTimer(context, number);
    return err(badRequest("appRefundNo 已用于其他退款，或订单已无可退金额"));
  }
  context.timeline.add(Date.now(), "refund.requested", { refundNo: number, refundFen });
  return ok(refund);
}

/** The order as paid; one that looks unpaid is checked with WeChat first. */
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
      return err(badRequest("订单未支付，不能退款"));
    case "unknown":
      return err(serverFault("订单尚未记为已支付，向微信查询又未得到明确结果。重复本请求是安全的"));
  }
}
