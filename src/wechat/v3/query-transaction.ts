import * as z from "zod";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { TransactionAnswer } from "../types.ts";
import { classifyPaymentQueryError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { send, type V3Client } from "./request.ts";

const answer = z.object({
  mchid: z.string(),
  transaction_id: z.string(),
  out_trade_no: z.string().min(1),
});

/** Queries an order by WeChat's number of its payment (W-81). */
export async function queryTransaction(
  client: V3Client,
  transactionId: string,
): Promise<TransactionAnswer> {
  const mchid = encodeURIComponent(client.merchant.mchId);
  const reply = await send(client, {
    method: "GET",
    path: `/v3/pay/transactions/id/${encodeURIComponent(transactionId)}?mchid=${mchid}`,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "error") {
    const errorClass = classifyPaymentQueryError(reply.error);
    return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
  }
  if (reply.kind !== "done") return reply;
  const read = readJson(reply.body, answer);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  if (read.value.mchid !== client.merchant.mchId) return unknown("answer for another mchid");
  if (read.value.transaction_id !== transactionId) {
    return unknown("answer for another transaction_id");
  }
  return { kind: "found", orderNumber: read.value.out_trade_no };
}
