import type { Order, TradeState } from "../ledger/orders.ts";
import type { Refund, RefundStatus } from "../ledger/refunds.ts";
import { beijingRfc3339 } from "../protocol/time.ts";

/** A JSON object of WeChat's: what a reply or a notification tells. */
export type Resource = Readonly<Record<string, unknown>>;

const TRADE_STATES: Readonly<Record<TradeState, string>> = {
  NOTPAY: "订单未支付",
  SUCCESS: "支付成功",
  REFUND: "转入退款",
  CLOSED: "订单已关闭",
};

/** What APIv3 calls the state of a refund. */
export const REFUND_STATUSES: Readonly<Record<RefundStatus, string>> = {
  PROCESSING: "PROCESSING",
  SUCCESS: "SUCCESS",
  CHANGE: "ABNORMAL",
  REFUNDCLOSE: "CLOSED",
};

export const RECEIVED_BY = "支付用户零钱";

/** An order as a query tells it: few facts of an unpaid one. WeChat docs: APIv3, order query. */
export function orderResource(order: Order): Resource {
  const common = {
    appid: order.appId,
    mchid: order.mchId,
    out_trade_no: order.outTradeNo,
    trade_state: order.state,
    trade_state_desc: TRADE_STATES[order.state],
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

/** A refund as the call and the query tell it. WeChat docs: APIv3, refund. */
export function refundResource(refund: Refund, order: Order): Resource {
  const { refundFee } = refund;
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: order.transactionId,
    out_trade_no: order.outTradeNo,
    channel: "ORIGINAL",
    user_received_account: RECEIVED_BY,
    ...(refund.succeededAt === null ? {} : { success_time: beijingRfc3339(refund.succeededAt) }),
    create_time: beijingRfc3339(refund.createdAt),
    status: REFUND_STATUSES[refund.status],
    funds_account: refund.account,
    amount: {
      total: order.totalFee,
      refund: refundFee,
      from: [],
      payer_total: order.totalFee,
      payer_refund: refundFee,
      settlement_refund: refundFee,
      settlement_total: order.totalFee,
      discount_refund: 0,
      currency: "CNY",
      refund_fee: 0,
    },
    promotion_detail: [],
  };
}
