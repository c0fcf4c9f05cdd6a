import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { TransactionAnswer } from "../types.ts";
import { classifyPaymentQueryError } from "./error-codes.ts";
import { send, type V2Client } from "./request.ts";

/** Queries an order by WeChat's number of its payment (W-29). */
export async function queryTransaction(
  client: V2Client,
  transactionId: string,
  wechatAppId: string,
): Promise<TransactionAnswer> {
  const subject = { wechatAppId, signType: client.merchant.signType, orderNumber: null };
  const reply = await send(client, subject, {
    path: "/pay/orderquery",
    fields: { transaction_id: transactionId },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "error") {
    const errorClass = classifyPaymentQueryError(reply.error.code);
    return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
  }
  if (reply.kind !== "done") return reply;
  if (reply.fields.get("transaction_id") !== transactionId) {
    return unknown("answer for another transaction_id");
  }
  const orderNumber = reply.fields.get("out_trade_no") ?? "";
  return orderNumber === ""
    ? unknown("answer without an out_trade_no")
    : { kind: "found", orderNumber };
}
