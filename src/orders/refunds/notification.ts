import { isFinal } from "../../domain/refund.ts";
import { findOrderWithRefunds, insertPlatformRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { log } from "../../observability/log.ts";
import { refundNotifyUrl } from "../../wechat/notify-paths.ts";
import { queryPayment } from "../poll-payment.ts";
import { queryRefund } from "./outcome.ts";
import { recordRefund } from "./record.ts";
import type { OrderContext } from "../context.ts";
import { callRefundQuery } from "./query.ts";
import { armRefundTimer } from "./timer.ts";

/**
 * Somebody says that a refund of this order has moved on. Only a hint: the refund's timer is armed,
 * at once, and then, in its turn, WeChat is asked.
 *
 * @param inTurn runs work after all that the order's object has queued
 * @returns the refund's state as the record has it afterwards; null when there is none of this
 *   number, or WeChat's word on it couldn't be had.
 */
export async function handleRefundNotification(
  context: OrderContext,
  refundNo: string,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<RefundRow["state"] | null> {
  const found = await findOrderWithRefunds(context.db, context.number);
  if (found === null) {
    // Not raised as an incident: in APIv2 nothing has proved that it is WeChat who says so.
    log("error", "refund_of_unknown_order", { order: context.number, refundNo });
    return null;
  }
  const refund = found.refunds.find((candidate) => candidate.number === refundNo);
  if (refund === undefined) {
    return await inTurn(async () => await importPlatformRefund(context, found.order, refundNo));
  }
  if (isFinal(refund.state)) return refund.state;
  context.timeline.add(Date.now(), "refund.hint", { refundNo });
  await armRefundTimer(context, refundNo);
  const asked = await inTurn(async () => await queryRefund(context, refundNo));
  return asked?.heard === true ? asked.state : null;
}

/**
 * A refund that no app has asked for: a person made it in WeChat's merchant platform. It is recorded
 * once WeChat confirms that there is one of this order.
 */
async function importPlatformRefund(
  context: OrderContext,
  order: OrderRow,
  refundNo: string,
): Promise<RefundRow["state"] | null> {
  const answer = await callRefundQuery(context, order, refundNo);
  if (answer.kind !== "found") {
    log("warn", "refund_not_confirmed", { order: order.number, refundNo, answer: answer.kind });
    return null;
  }
  // What is refunded has been paid, though news of the payment may not have come yet.
  if (order.payState !== "paid") {
    await queryPayment(context, order, await context.wechatOf(order));
  }
  await armRefundTimer(context, refundNo);
  const { refundFen, refundId } = answer.refund;
  const notifyUrl = refundNotifyUrl(context.config.publicUrl, order.protocol, order.merchantId);
  const facts = { number: refundNo, refundFen, refundId, notifyUrl };
  const refund = await insertPlatformRefund(context.db, order, facts, Date.now());
  if (refund === null) {
    log("error", "refund_of_another_order", { order: order.number, refundNo });
    return null;
  }
  context.timeline.add(Date.now(), "refund.adopted", { refundNo, refundFen });
  return await recordRefund(context, order, refund, answer.refund);
}
