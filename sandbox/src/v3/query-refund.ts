import { findOrder, type Order } from "../ledger/orders.ts";
import { findRefund, type Refund, type RefundStatus } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { beijingRfc3339 } from "../protocol/time.ts";
import { ERROR_CODES } from "./error-codes.ts";
import { success, type ApiResponse, type Resource } from "./response.ts";

/** The states of a refund in APIv3. */
export const REFUND_STATUSES: Readonly<Record<RefundStatus, string>> = {
  PROCESSING: "PROCESSING",
  SUCCESS: "SUCCESS",
  CHANGE: "ABNORMAL",
  REFUNDCLOSE: "CLOSED",
};

/** The account that receives every refund: the payer's balance. */
export const USER_RECEIVED_ACCOUNT = "支付用户零钱";

/** GET /v3/refund/domestic/refunds/{out_refund_no} (W-84). */
export function queryRefund(
  { sql }: LedgerTransaction,
  mchId: string,
  outRefundNo: string,
): ApiResponse {
  const refund = findRefund(sql, mchId, outRefundNo);
  const order = refund === null ? null : findOrder(sql, mchId, refund.outTradeNo);
  return refund === null || order === null
    ? ERROR_CODES["no-refund"]
    : success(refundResource(refund, order));
}

/** A refund as the refund call and the query return it (W-83, W-84). */
export function refundResource(refund: Refund, order: Order): Resource {
  const { refundFee } = refund;
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: order.transactionId,
    out_trade_no: order.outTradeNo,
    channel: "ORIGINAL",
    user_received_account: USER_RECEIVED_ACCOUNT,
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
