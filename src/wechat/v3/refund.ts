import * as z from "zod";
import type { FundsAccount } from "../../domain/states.ts";
import { REFUND_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown, withRefundCause } from "../error-class.ts";
import { blameNamedField, REFUND_FIELDS } from "../named-field.ts";
import type { RefundAnswer, WechatRefundRequest } from "../types.ts";
import { send, type V3Request, type V3Client } from "./request.ts";
import { classifyRefundError } from "./error-codes.ts";
import { fen, readJson, wechatNumber, yuan } from "./json.ts";

/** `funds_account` (W-44). */
const ACCOUNTS = { available: "AVAILABLE" } as const satisfies Record<FundsAccount, string>;

/** Ignores `status`: the refund's outcome comes from a query. */
const accepted = z.object({
  refund_id: wechatNumber,
  out_refund_no: z.string(),
  out_trade_no: z.string(),
  transaction_id: z.string(),
  amount: z.object({ refund: fen, currency: yuan }),
});

/**
 * Requests a refund (W-83). `accepted` doesn't mean completed, and `unknown` doesn't mean failed:
 * both are resolved by a query or a repeat with the same `refundNo`, never with a new one.
 */
export async function refund(
  client: V3Client,
  request: WechatRefundRequest,
): Promise<RefundAnswer> {
  const reply = await send(client, buildRefund(request));
  switch (reply.kind) {
    case "done":
      return readAccepted(reply.body, request);
    case "error": {
      const answer = answerFor(classifyRefundError(reply.error), reply.error);
      return withRefundCause(blameNamedField(answer, REFUND_FIELDS, reply.error.field));
    }
    case "unknown":
      return reply;
  }
}

/**
 * WeChat accepts either of two order numbers. We send our own: it is the row's key, so no stored
 * value can refer to another order. The answer contains WeChat's number, which is compared.
 */
function buildRefund(request: WechatRefundRequest): V3Request {
  return {
    method: "POST",
    path: "/v3/refund/domestic/refunds",
    body: {
      out_trade_no: request.orderNumber,
      out_refund_no: request.refundNo,
      ...(request.reason === null ? {} : { reason: request.reason }),
      notify_url: request.notifyUrl,
      ...(request.fundsAccount === null ? {} : { funds_account: ACCOUNTS[request.fundsAccount] }),
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
