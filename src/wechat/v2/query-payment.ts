import { readTradeState } from "../trade-state.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, PaymentAnswer } from "../types.ts";
import { send, type V2Client } from "./request.ts";
import { classifyPaymentQueryError } from "./error-codes.ts";
import { readPayment } from "./payment.ts";

/** Queries an order by our number, the only number known before it is paid (W-29). */
export async function queryPayment(client: V2Client, order: OrderKey): Promise<PaymentAnswer> {
  const reply = await send(client, order, {
    path: "/pay/orderquery",
    fields: { out_trade_no: order.orderNumber },
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return readState(reply.fields, order);
  if (reply.kind !== "error") return reply;
  const errorClass = classifyPaymentQueryError(reply.error.code);
  return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
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
