import * as z from "zod";
import { readTradeState } from "../trade-state.ts";
import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf, unknown } from "../verdict.ts";
import type { OrderKey, PaymentAnswer, V3Merchant } from "../wechat-pay.ts";
import { call, type V3Line } from "./call.ts";
import { judgeOrderQuery } from "./errors.ts";
import { readJson } from "./json.ts";
import { readPayment } from "./payment.ts";

/** Of an order that isn't paid, only a few fields are told; what is there must be this order's. */
const stateAnswer = z.object({
  trade_state: z.string(),
  mchid: z.string().optional(),
  appid: z.string().optional(),
  out_trade_no: z.string().optional(),
});

/** Asks for an order by our number, the only one known before it is paid (WeChat: query). */
export async function queryPayment(line: V3Line, order: OrderKey): Promise<PaymentAnswer> {
  const number = encodeURIComponent(order.orderNumber);
  const mchid = encodeURIComponent(line.merchant.mchId);
  const reply = await call(line, {
    method: "GET",
    path: `/v3/pay/transactions/out-trade-no/${number}?mchid=${mchid}`,
    limitMs: SHORT_LIMIT_MS,
  });
  if (reply.kind === "done") return readState(reply.body, line.merchant, order);
  if (reply.kind !== "error") return reply;
  const verdict = judgeOrderQuery(reply.error);
  return verdict === "absent" ? { kind: "absent" } : answerOf(verdict, reply.error);
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
