import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf } from "../verdict.ts";
import type { CloseAnswer, OrderKey } from "../wechat-pay.ts";
import { call, type Line } from "./call.ts";
import { judgeClose } from "./errors.ts";

/**
 * Closes an unpaid order for good (WeChat: closeorder; from five minutes after it was made).
 * Closing twice is fine. The payer may be quicker: ask once more before telling anyone.
 */
export async function closeOrder(line: Line, order: OrderKey): Promise<CloseAnswer> {
  const reply = await call(line, order, {
    path: "/pay/closeorder",
    fields: { out_trade_no: order.orderNumber },
    limitMs: SHORT_LIMIT_MS,
  });
  if (reply.kind === "done") return { kind: "closed" };
  if (reply.kind !== "error") return reply;
  const verdict = judgeClose(reply.error.code);
  if (verdict === "paid" || verdict === "closed" || verdict === "absent") return { kind: verdict };
  return answerOf(verdict, reply.error);
}
