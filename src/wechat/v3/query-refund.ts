import * as z from "zod";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, RefundQueryAnswer } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { classifyRefundQueryError } from "./error-codes.ts";
import { fen, readJson, readTime, wechatNumber, yuan } from "./json.ts";
import { readRefundStatus, refundStatus } from "./refund-status.ts";

const report = z.object({
  refund_id: wechatNumber,
  out_refund_no: z.string(),
  out_trade_no: z.string(),
  status: refundStatus,
  success_time: z.string().optional(),
  amount: z.object({ refund: fen, currency: yuan }),
});

/** Asks for one refund by our number (W-84). */
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
  const verdict = classifyRefundQueryError(reply.error);
  return verdict === "absent" ? { kind: "absent" } : answerFor(verdict, reply.error);
}

function readReport(body: Uint8Array, order: OrderKey, refundNo: string): RefundQueryAnswer {
  const read = readJson(body, report);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const answer = read.value;
  if (answer.out_refund_no !== refundNo) return unknown("answer for another refund");
  if (answer.out_trade_no !== order.orderNumber) return unknown("answer for another order");
  const status = readRefundStatus(answer.status);
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
