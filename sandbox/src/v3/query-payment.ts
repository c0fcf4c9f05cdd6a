import type { Order, TradeState } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { beijingRfc3339 } from "../protocol/time.ts";
import { locateOrder, type OrderNumbers } from "../rules/find-order.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { success, type ApiResponse, type Resource } from "./response.ts";

const DESCRIPTIONS: Readonly<Record<TradeState, string>> = {
  NOTPAY: "订单未支付",
  SUCCESS: "支付成功",
  REFUND: "转入退款",
  CLOSED: "订单已关闭",
};

/** GET …/out-trade-no/{out_trade_no} and …/id/{transaction_id} (W-81). */
export function queryPayment(
  ledger: LedgerTransaction,
  mchId: string,
  numbers: OrderNumbers,
): ApiResponse {
  const order = locateOrder(ledger, mchId, numbers);
  return order.ok ? success(orderResource(order.value)) : ERROR_CODES[order.error];
}

/**
 * An order as the query and the payment notification return it. An unpaid one has few fields.
 * See W-81.
 */
export function orderResource(order: Order): Resource {
  const common = {
    appid: order.appId,
    mchid: order.mchId,
    out_trade_no: order.outTradeNo,
    trade_state: order.state,
    trade_state_desc: DESCRIPTIONS[order.state],
    promotion_detail: [],
    ...(order.terms.attach === null ? {} : { attach: order.terms.attach }),
  };
  if (order.paidAt === null) {
    return { ...common, amount: { total: order.totalFee, payer_currency: "CNY" } };
  }
  return {
    ...common,
    transaction_id: order.transactionId,
    trade_type: "JSAPI",
    bank_type: "OTHERS",
    success_time: beijingRfc3339(order.paidAt),
    payer: { openid: order.terms.openid },
    amount: {
      total: order.totalFee,
      payer_total: order.totalFee,
      currency: "CNY",
      payer_currency: "CNY",
    },
  };
}
