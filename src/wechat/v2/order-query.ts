import { readTradeState } from "../trade-state.ts";
import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf, unknown } from "../verdict.ts";
import type { OrderKey, PaymentAnswer } from "../wechat-pay.ts";
import { call, type Line } from "./call.ts";
import { judgeOrderQuery } from "./errors.ts";
import { readPayment } from "./payment.ts";

/** Asks for an order by our number, the only one known before it is paid (WeChat: orderquery). */
export async function queryPayment(line: Line, order: OrderKey): Promise<PaymentAnswer> {
  const reply = await call(line, order, {
    path: "/pay/orderquery",
    fields: { out_trade_no: order.orderNumber },
    limitMs: SHORT_LIMIT_MS,
  });
  if (reply.kind === "done") return readState(reply.fields, order);
  if (reply.kind !== "error") return reply;
  const verdict = judgeOrderQuery(reply.error.code);
  return verdict === "absent" ? { kind: "absent" } : answerOf(verdict, reply.error);
}

function readState(fields: ReadonlyMap<string, string>, order: OrderKey): PaymentAnswer {
  const state = readTradeState(fields.get("trade_state") ?? "");
  if (state === null) return unknown("unlisted trade_state");
  return state === "paid" ? readPaid(fields, order) : { kind: state };
}

function readPaid(fields: ReadonlyMap<string, string>, order: OrderKey): PaymentAnswer {
  const payment = readPayment(fields, order.signType);
  if (!payment.ok) return unknown(`paid, but ${payment.error} is missing or malformed`);
  return { kind: "paid", payment: payment.value };
}
