import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor } from "../error-class.ts";
import type { CloseAnswer, OrderKey } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { classifyCloseError } from "./error-codes.ts";

/**
 * Closes an unpaid order permanently (W-82; the answer is a signed 204). Closing an order twice is
 * allowed.
 *
 * The payer may pay before WeChat closes the order: query it before reporting it as unpaid.
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
  const errorClass = classifyCloseError(reply.error);
  switch (errorClass) {
    case "paid":
    case "closed":
    case "absent":
      return { kind: errorClass };
    case "unknown":
    case "later":
    case "request":
    case "merchant":
    case "gateway":
      return answerFor(errorClass, reply.error);
  }
}
