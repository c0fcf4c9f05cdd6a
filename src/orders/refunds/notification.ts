import { findOrderWithRefunds, insertPlatformRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { isFinal } from "../../domain/refund.ts";
import { log } from "../../observability/log.ts";
import { notifyUrl } from "../../wechat/notify-paths.ts";
import type { OrderContext } from "../context.ts";
import { queryPayment } from "../poll-payment.ts";
import { queryRefund, recordRefund } from "./outcome.ts";
import { callRefundQuery } from "./query.ts";
import { armRefundTimer } from "./timer.ts";

/**
 * A notification says that a refund of this order has moved on. It is only a reason to query: the
 * refund's timer is armed at once, and then WeChat is queried.
 *
 * @param enqueue runs work after everything that the order's object has queued
 * @returns the refund's state in the record afterwards; null when there is none of this number, or
 *   WeChat gave no usable answer.
 */
export async function handleRefundNotification(
  context: OrderContext,
  refundNo: string,
  enqueue: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<RefundRow["state"] | null> {
  const { meter, number, timeline } = context;
  const found = await findOrderWithRefunds(context.db, number);
  if (found === null) {
    // Not an incident: an APIv2 notification doesn't prove that WeChat sent it.
    const { requestId } = meter;
    log("error", "refund_of_unknown_order", { requestId, order: number, refundNo });
    return null;
  }
  const refund = found.refunds.find((candidate) => candidate.number === refundNo);
  if (refund === undefined) {
    return await enqueue(async () => await importPlatformRefund(context, found.order, refundNo));
  }
  if (isFinal(refund.state)) return refund.state;
  timeline.add(Date.now(), "refund.notified", { refundNo });
  await armRefundTimer(context, refundNo);
  const queried = await enqueue(async () => await queryRefund(context, refundNo));
  return queried?.answered === true ? queried.state : null;
}

/**
 * A refund that no app has requested: a person made it in WeChat's merchant platform. It is recorded
 * once WeChat confirms that it is a refund of this order.
 */
async function importPlatformRefund(
  context: OrderContext,
  order: OrderRow,
  refundNo: string,
): Promise<RefundRow["state"] | null> {
  const { requestId } = context.meter;
  const answer = await callRefundQuery(context, order, refundNo);
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
