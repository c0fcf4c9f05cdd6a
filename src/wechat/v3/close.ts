import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf } from "../verdict.ts";
import type { CloseAnswer, OrderKey } from "../wechat-pay.ts";
import { call, type V3Line } from "./call.ts";
import { judgeClose } from "./errors.ts";

/**
 * Closes an unpaid order for good (WeChat: close; answered by a signed 204). Closing twice is fine.
 * The payer may be quicker: ask once more before telling anyone.
 */
export async function closeOrder(line: V3Line, order: OrderKey): Promise<CloseAnswer> {
  const number = encodeURIComponent(order.orderNumber);
  const reply = await call(line, {
    method: "POST",
    path: `/v3/pay/transactions/out-trade-no/${number}/close`,
    body: { mchid: line.merchant.mchId },
    limitMs: SHORT_LIMIT_MS,
  });
  if (reply.kind === "done") return { kind: "closed" };
  if (reply.kind !== "error") return reply;
  const verdict = judgeClose(reply.error);
  if (verdict === "paid" || verdict === "closed" || verdict === "absent") return { kind: verdict };
  return answerOf(verdict, reply.error);
}
