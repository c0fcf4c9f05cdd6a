import type { OrderRow } from "../../db/rows.ts";
import type { RefundQueryAnswer } from "../../wechat/types.ts";
import type { OrderContext } from "../context.ts";
import { keyOf } from "../keys.ts";

/** Queries WeChat about one refund number of the order. Records nothing but the call itself. */
export async function callRefundQuery(
  context: OrderContext,
  order: OrderRow,
  refundNo: string,
): Promise<RefundQueryAnswer> {
  const wechat = await context.wechatOf(order);
  const answer = await wechat.queryRefund(keyOf(order), refundNo);
  context.timeline.add(Date.now(), "wechat.query_refund", {
    refundNo,
    answer: answer.kind,
    ...(answer.kind === "found" ? { status: answer.refund.status } : {}),
    ...(answer.kind === "refused" ? { code: answer.code } : {}),
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
  });
  return answer;
}
