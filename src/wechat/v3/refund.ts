import * as z from "zod";
import { REFUND_LIMIT_MS } from "../transport.ts";
import { answerOf, unknown } from "../verdict.ts";
import type { RefundAnswer, RefundRequest } from "../wechat-pay.ts";
import { call, type Call, type V3Line } from "./call.ts";
import { judgeRefund } from "./errors.ts";
import { fen, readJson, wechatNumber, yuan } from "./json.ts";

/** Whatever `status` it has: how the refund ends is the query's to tell. */
const accepted = z.object({
  refund_id: wechatNumber,
  out_refund_no: z.string(),
  out_trade_no: z.string(),
  transaction_id: z.string(),
  amount: z.object({ refund: fen, currency: yuan }),
});

/**
 * Asks WeChat for a refund (WeChat: refund/domestic/refunds). `accepted` isn't done, and `unknown`
 * isn't failed: both are settled by asking again with the same `refundNo`, never with a new one.
 */
export async function refund(line: V3Line, request: RefundRequest): Promise<RefundAnswer> {
  const reply = await call(line, buildRefund(request));
  switch (reply.kind) {
    case "done":
      return readAccepted(reply.body, request);
    case "error":
      return answerOf(judgeRefund(reply.error), reply.error);
    case "unknown":
      return reply;
  }
}

/**
 * The order is named once, since WeChat asks for one of two, and by our number: it is the row's own
 * key, so no stored value can point at another order. WeChat's comes back in the answer.
 */
function buildRefund(request: RefundRequest): Call {
  return {
    method: "POST",
    path: "/v3/refund/domestic/refunds",
    body: {
      out_trade_no: request.orderNumber,
      out_refund_no: request.refundNo,
      notify_url: request.notifyUrl,
      amount: { refund: request.refundFen, total: request.totalFen, currency: "CNY" },
    },
    limitMs: REFUND_LIMIT_MS,
  };
}

function readAccepted(body: Uint8Array, request: RefundRequest): RefundAnswer {
  const read = readJson(body, accepted);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const answer = read.value;
  if (answer.out_refund_no !== request.refundNo) return unknown("answer for another refund");
  if (answer.out_trade_no !== request.orderNumber) return unknown("answer for another order");
  if (answer.transaction_id !== request.transactionId) {
    return unknown("answer for another transaction_id");
  }
  if (answer.amount.refund !== request.refundFen) return unknown("answer with another amount");
  return { kind: "accepted", refundId: answer.refund_id, refundFen: answer.amount.refund };
}
