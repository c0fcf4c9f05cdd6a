import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor } from "../error-class.ts";
import type { CloseAnswer, OrderKey } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { classifyCloseError } from "./error-codes.ts";

/**
 * Closes an unpaid order for good (W-82; answered by a signed 204). Closing twice is fine.
 * The payer may be quicker: ask once more before telling anyone.
 */
export async function closeOrder(client: V3Client, order: OrderKey): Promise<CloseAnswer> {
  const number = encodeURIComponent(order.orderNumber);
  const reply = await send(client, {
    method: "POST",
    path: `/v3/pay/transactions/out-trade-no/${number}/close`,
    body: { mchid: client.merchant.mchId },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return { kind: "closed" };
  if (reply.kind !== "error") return reply;
  const verdict = classifyCloseError(reply.error);
  if (verdict === "paid" || verdict === "closed" || verdict === "absent") return { kind: verdict };
  return answerFor(verdict, reply.error);
}
