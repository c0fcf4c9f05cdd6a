import * as z from "zod";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, RefundQueryAnswer, RefundStatus } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { classifyRefundQueryError } from "./error-codes.ts";
import { fen, readJson, readTime, wechatNumber, yuan } from "./json.ts";

/** `status` (W-84). */
const STATUSES = {
  PROCESSING: "processing",
  SUCCESS: "succeeded",
  // Not refunded and never will be: only now may a new number be tried.
  CLOSED: "closed",
  // The payer's card is invalid or frozen; the operator must act in WeChat's merchant platform.
  ABNORMAL: "abnormal",
} as const satisfies Record<string, RefundStatus>;

const report = z.object({
  refund_id: wechatNumber,
  out_refund_no: z.string(),
  out_trade_no: z.string(),
  status: z.enum(["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"]),
  success_time: z.string().optional(),
  amount: z.object({ refund: fen, currency: yuan }),
});

/** Queries one refund by our number (W-84). */
export async function queryRefund(
  client: V3Client,
  order: OrderKey,
  refundNo: string,
): Promise<RefundQueryAnswer> {
  const reply = await send(client, {
    method: "GET",
    path: `/v3/refund/domestic/refunds/${encodeURIComponent(refundNo)}`,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return readReport(reply.body, order, refundNo);
  if (reply.kind !== "error") return reply;
  const errorClass = classifyRefundQueryError(reply.error);
  return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
}

function readReport(body: Uint8Array, order: OrderKey, refundNo: string): RefundQueryAnswer {
  const read = readJson(body, report);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const answer = read.value;
  if (answer.out_refund_no !== refundNo) return unknown("answer for another refund");
  if (answer.out_trade_no !== order.orderNumber) return unknown("answer for another order");
  const status = STATUSES[answer.status];
  return {
    kind: "found",
    refund: {
      refundNo,
      refundId: answer.refund_id,
      refundFen: answer.amount.refund,
      status,
      succeededAt: status === "succeeded" ? readTime(answer.success_time) : null,
    },
  };
}
