import type { Books } from "../ledger/books.ts";
import type { Order, TradeState } from "../ledger/orders.ts";
import { done, type Answer } from "./answers.ts";
import { beijingCompact } from "../protocol/time.ts";
import { orderOf } from "./find-order.ts";
import type { ApiRequest } from "./request.ts";

const DESCRIPTIONS: Readonly<Record<TradeState, string>> = {
  NOTPAY: "订单未支付",
  SUCCESS: "支付成功",
  REFUND: "订单发生过退款，退款详情请查询退款单",
  CLOSED: "订单已关闭",
};

/** POST /pay/orderquery. WeChat docs: orderquery. */
export function orderQuery(books: Books, request: ApiRequest): Answer {
  const found = orderOf(books, request);
  return found.ok ? done([...facts(found.order), ...paymentFacts(found.order)]) : found.answer;
}

/** What is told in every state. `device_info` and `attach` come even when empty, as at WeChat. */
function facts(order: Order): [string, string][] {
  return [
    ["device_info", order.terms.deviceInfo ?? ""],
    ["out_trade_no", order.outTradeNo],
    ["attach", order.terms.attach ?? ""],
    ["total_fee", String(order.totalFee)],
    ["trade_state", order.state],
    ["trade_state_desc", DESCRIPTIONS[order.state]],
  ];
}

/** What is told of paid orders only. */
function paymentFacts(order: Order): [string, string][] {
  if (order.paidAt === null) return [];
  return [
    ["openid", order.terms.openid],
    ["is_subscribe", "N"],
    ["trade_type", "JSAPI"],
    ["bank_type", "OTHERS"],
    ["fee_type", "CNY"],
    ["cash_fee", String(order.totalFee)],
    ["cash_fee_type", "CNY"],
    ["transaction_id", order.transactionId],
    ["time_end", beijingCompact(order.paidAt)],
  ];
}
