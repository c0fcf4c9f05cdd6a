import { insertPlatformRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { log } from "../../observability/log.ts";
import { notifyUrl } from "../../wechat/notify-paths.ts";
import type { OrderContext } from "../context.ts";
import { queryPayment } from "../poll-payment.ts";
import { recordRefund } from "./outcome.ts";
import { callRefundQuery } from "./query.ts";
import { armRefundTimer } from "./timer.ts";

/**
 * A refund that no app has requested: a person made it in WeChat's merchant platform. It is recorded
 * once WeChat confirms that it is a refund of this order.
 */
export async function importPlatformRefund(
  context: OrderContext,
  order: OrderRow,
  refundNo: string,
): Promise<RefundRow["state"] | null> {
  const { requestId } = context.meter;
  const answer = await callRefundQuery(context, order, { refundNo, onRecord: false });
  if (answer.kind !== "found") {
    log("warn", "refund_not_confirmed", {
      requestId,
      order: order.number,
      refundNo,
      answer: answer.kind,
    });
    return null;
  }
  // A refunded order was paid, even if its payment wasn't reported yet.
  if (order.payState !== "paid") {
    await queryPayment(context, order, await context.wechatOf(order));
  }
  await armRefundTimer(context, refundNo);
  const { refundFen, refundId } = answer.refund;
  const facts = {
    number: refundNo,
    refundFen,
    refundId,
    notifyUrl: notifyUrl(context.config.publicUrl, "refund", order),
  };
  const refund = await insertPlatformRefund(context.db, order, facts, Date.now());
  if (refund === null) {
    log("error", "refund_of_another_order", { requestId, order: order.number, refundNo });
    return null;
  }
  context.timeline.add(Date.now(), "refund.imported", { refundNo, refundFen });
  return await recordRefund(context, order, refund, answer.refund);
}
