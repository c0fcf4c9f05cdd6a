import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor } from "../error-class.ts";
import type { CloseAnswer, OrderKey } from "../types.ts";
import { send, type V2Client } from "./request.ts";
import { classifyCloseError } from "./error-codes.ts";

/**
 * Closes an unpaid order for good (W-33; from five minutes after it was made, W-34).
 * Closing twice is fine. The payer may be quicker: ask once more before telling anyone.
 */
export async function closeOrder(client: V2Client, order: OrderKey): Promise<CloseAnswer> {
  const reply = await send(client, order, {
    path: "/pay/closeorder",
    fields: { out_trade_no: order.orderNumber },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return { kind: "closed" };
  if (reply.kind !== "error") return reply;
  const verdict = classifyCloseError(reply.error.code);
  if (verdict === "paid" || verdict === "closed" || verdict === "absent") return { kind: verdict };
  return answerFor(verdict, reply.error);
}
