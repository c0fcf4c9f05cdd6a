import type { OrderRow } from "../../db/rows.ts";
import type { RefundQueryAnswer } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { keyOf } from "../keys.ts";

/** The number that WeChat is queried about, and whether the order has a refund with it on record. */
export interface QueriedNumber {
  readonly refundNo: string;
  readonly onRecord: boolean;
}

/**
 * Queries WeChat about one refund number of the order. Records nothing but the call itself. A number
 * that neither the record nor WeChat has may be a stranger's invention: the timeline has it without
 * the number, so that ever new ones are counted in one entry.
 */
export async function callRefundQuery(
  context: OrderContext,
  order: OrderRow,
  { refundNo, onRecord }: QueriedNumber,
): Promise<RefundQueryAnswer> {
  const wechat = await context.wechatOf(order);
  const answer = await wechat.queryRefund(keyOf(order), refundNo);
  context.timeline.add(Date.now(), "wechat.query_refund", {
    refundNo: onRecord || answer.kind === "found" ? refundNo : null,
    answer: answer.kind,
    ...(answer.kind === "found" ? { status: answer.refund.status } : {}),
    ...(answer.kind === "refused" ? { code: answer.code } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  return answer;
}
