import * as z from "zod";
import { REFUND_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { RefundAnswer, WechatRefundRequest } from "../types.ts";
import { send, type V3Request, type V3Client } from "./request.ts";
import { classifyRefundError } from "./error-codes.ts";
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
 * Asks WeChat for a refund (W-83). `accepted` isn't done, and `unknown`
 * isn't failed: both are resolved by asking again with the same `refundNo`, never with a new one.
 */
export async function refund(
  client: V3Client,
  request: WechatRefundRequest,
): Promise<RefundAnswer> {
  const reply = await send(client, buildRefund(request));
  switch (reply.kind) {
    case "done":
      return readAccepted(reply.body, request);
    case "error":
      return answerFor(classifyRefundError(reply.error), reply.error);
    case "unknown":
      return reply;
  }
}

/**
 * The order is named once, since WeChat asks for one of two, and by our number: it is the row's own
 * key, so no stored value can point at another order. WeChat's comes back in the answer.
 */
function buildRefund(request: WechatRefundRequest): V3Request {
  return {
    method: "POST",
    path: "/v3/refund/domestic/refunds",
    body: {
      out_trade_no: request.orderNumber,
      out_refund_no: request.refundNo,
      notify_url: request.notifyUrl,
      amount: { refund: request.refundFen, total: request.totalFen, currency: "CNY" },
    },
    timeoutMs: REFUND_TIMEOUT_MS,
  };
}

function readAccepted(body: Uint8Array, request: WechatRefundRequest): RefundAnswer {
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
