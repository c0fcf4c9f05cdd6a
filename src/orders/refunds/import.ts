import { findOrderWithRefunds, insertPlatformRefund } from "../../db/refunds.ts";
import type { OrderRow, RefundRow } from "../../db/rows.ts";
import { isFinal } from "../../domain/refund.ts";
import { log } from "../../observability/log.ts";
import { notifyUrl } from "../../wechat/notify-paths.ts";
import type { RefundReport } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { keyOf } from "../keys.ts";
import { queryPayment } from "../poll-payment.ts";
import { callRefundQuery } from "./query.ts";
import { recordRefund } from "./record.ts";
import { armRefundTimer } from "./timer.ts";

/**
 * Records a refund that no app has requested: a person made it in WeChat's merchant platform. Returns
 * its state in the record; null when the number belongs to another order.
 *
 * @param report WeChat's answer to a query, which confirms that it is a refund of this order
 */
async function importRefund(
  context: OrderContext,
  order: OrderRow,
  report: RefundReport,
): Promise<RefundRow["state"] | null> {
  const { refundNo, refundFen, refundId } = report;
  // A refunded order was paid, even if its payment wasn't reported yet.
  if (order.payState !== "paid") {
    await queryPayment(context, order, await context.wechatOf(order));
  }
  await armRefundTimer(context, refundNo);
  const facts = {
    number: refundNo,
    refundFen,
    refundId,
    notifyUrl: notifyUrl(context.config.publicUrl, "refund", order),
  };
  const refund = await insertPlatformRefund(context.db, order, facts, Date.now());
  if (refund === null) {
    const { requestId } = context.meter;
    log("error", "refund_of_another_order", { requestId, order: order.number, refundNo });
    return null;
  }
  context.timeline.add(Date.now(), "refund.imported", { refundNo, refundFen });
  return await recordRefund(context, order, refund, report);
}

/**
 * Queries WeChat about a refund that isn't on record, and imports it once WeChat confirms that it is
 * one of this order. Returns its state in the record; null when there is none.
 */
export async function importPlatformRefund(
  context: OrderContext,
  order: OrderRow,
  refundNo: string,
): Promise<RefundRow["state"] | null> {
  const answer = await callRefundQuery(context, order, { refundNo, onRecord: false });
  if (answer.kind === "found") return await importRefund(context, order, answer.refund);
  log("warn", "refund_not_confirmed", {
    requestId: context.meter.requestId,
    order: order.number,
    refundNo,
    answer: answer.kind,
  });
  return null;
}

/**
 * Asks WeChat for all refunds of the order, and records those that the record lacks or has in an
 * earlier state. Returns false when WeChat gave no usable answer, or its protocol has no such call.
 */
export async function importListedRefunds(
  context: OrderContext,
  order: OrderRow,
): Promise<boolean> {
  const { listRefunds } = await context.wechatOf(order);
  if (listRefunds === null) return false;
  const answer = await listRefunds(keyOf(order));
  context.timeline.add(Date.now(), "wechat.list_refunds", {
    answer: answer.kind,
    ...(answer.kind === "listed" ? { refunds: answer.refunds.length } : {}),
    ...(answer.kind === "refused" ? { code: answer.code } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  if (answer.kind !== "listed") return false;
  const stored = (await findOrderWithRefunds(context.db, order.number))?.refunds ?? [];
  for (const report of answer.refunds) {
    const refund = stored.find(({ number }) => number === report.refundNo);
    if (refund === undefined) await importRefund(context, order, report);
    else if (!isFinal(refund.state)) await recordRefund(context, order, refund, report);
  }
  return true;
}
