import type { Order, TradeState } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { beijingCompact } from "../protocol/time.ts";
import type { AuthenticatedCall } from "./call.ts";
import { COMMON_FIELDS, OUT_TRADE_NO, TRANSACTION_ID, type FieldTable } from "./fields.ts";
import { findRequestedOrder } from "./find-order.ts";
import { success, type ApiResponse } from "./response.ts";
import type { Field } from "./xml.ts";

/** Fields of orderquery (W-29). */
export const QUERY_PAYMENT_FIELDS: FieldTable = {
  fields: { ...COMMON_FIELDS, transaction_id: TRANSACTION_ID, out_trade_no: OUT_TRADE_NO },
  oneOf: ["transaction_id", "out_trade_no"],
};

const DESCRIPTIONS: Readonly<Record<TradeState, string>> = {
  NOTPAY: "订单未支付",
  SUCCESS: "支付成功",
  REFUND: "订单发生过退款，退款详情请查询退款单",
  CLOSED: "订单已关闭",
};

/** POST /pay/orderquery: an order and its payment. Fields of orderquery (W-29). */
export function queryPayment(ledger: LedgerTransaction, call: AuthenticatedCall): ApiResponse {
  const order = findRequestedOrder(ledger, call);
  return order.ok
    ? success([...orderFields(order.value), ...paymentFields(order.value)])
    : order.error;
}

/** The fields of every state. As at WeChat, `device_info` and `attach` are present even when empty. */
function orderFields(order: Order): readonly Field[] {
  return [
    ["device_info", order.terms.deviceInfo ?? ""],
    ["out_trade_no", order.outTradeNo],
    ["attach", order.terms.attach ?? ""],
    ["total_fee", String(order.totalFee)],
    ["trade_state", order.state],
    ["trade_state_desc", DESCRIPTIONS[order.state]],
  ];
}

/** The fields of paid orders only. */
function paymentFields(order: Order): readonly Field[] {
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
