import * as z from "zod";
import { readTradeState } from "../trade-state.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { OrderKey, PaymentAnswer, V3Merchant } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { classifyPaymentQueryError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { readPayment } from "./payment.ts";

/** An unpaid order's answer has only a few fields; the identifiers in it must be this order's. */
const stateAnswer = z.object({
  trade_state: z.string(),
  mchid: z.string().optional(),
  appid: z.string().optional(),
  out_trade_no: z.string().optional(),
});

/** Queries an order by our number, the only number known before it is paid (W-81). */
export async function queryPayment(client: V3Client, order: OrderKey): Promise<PaymentAnswer> {
  const number = encodeURIComponent(order.orderNumber);
  const mchid = encodeURIComponent(client.merchant.mchId);
  const reply = await send(client, {
    method: "GET",
    path: `/v3/pay/transactions/out-trade-no/${number}?mchid=${mchid}`,
    timeoutMs: CALL_TIMEOUT_MS,
  });
  if (reply.kind === "done") return readState(reply.body, client.merchant, order);
  if (reply.kind !== "error") return reply;
  const errorClass = classifyPaymentQueryError(reply.error);
  return errorClass === "absent" ? { kind: "absent" } : answerFor(errorClass, reply.error);
}

function readState(body: Uint8Array, merchant: V3Merchant, order: OrderKey): PaymentAnswer {
  const read = readJson(body, stateAnswer);
  if (!read.ok) return unknown(`unreadable answer: ${read.error}`);
  const {
    trade_state: tradeState,
    mchid = merchant.mchId,
    appid = order.wechatAppId,
    out_trade_no: orderNumber = order.orderNumber,
  } = read.value;
  if (mchid !== merchant.mchId) return unknown("answer for another mchid");
  if (appid !== order.wechatAppId) return unknown("answer for another appid");
  if (orderNumber !== order.orderNumber) return unknown("answer for another out_trade_no");
  const state = readTradeState(tradeState);
  if (state === null) return unknown("unlisted trade_state");
  return state === "paid" ? readPaid(body, merchant) : { kind: state };
}

function readPaid(body: Uint8Array, merchant: V3Merchant): PaymentAnswer {
  const payment = readPayment(body, merchant);
  if (!payment.ok) return unknown(`paid, but ${payment.error.detail}`);
  return { kind: "paid", payment: payment.value };
}
