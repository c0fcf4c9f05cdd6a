import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor } from "../error-class.ts";
import type { CloseAnswer, OrderKey } from "../types.ts";
import { send, type V2Client } from "./request.ts";
import { classifyCloseError } from "./error-codes.ts";

/**
 * Closes an unpaid order permanently (W-33), five minutes after its creation at the earliest (W-34).
 * Closing an order twice is allowed.
 *
 * The payer may pay before WeChat closes the order: query it before reporting it as unpaid.
 */
export async function closeOrder(client: V2Client, order: OrderKey): Promise<CloseAnswer> {
  const reply = await send(client, order, {
    path: "/pay/closeorder",
    fields: { out_trade_no: order.orderNumber },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return { kind: "closed" };
  if (reply.kind !== "error") return reply;
  const errorClass = classifyCloseError(reply.error.code);
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
