import type { Order } from "../ledger/orders.ts";
import type { Refund } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { requestRefund } from "../rules/request-refund.ts";
import type { AuthenticatedCall } from "./call.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  businessParams,
  choice,
  COMMON_FIELDS,
  maxCharacters,
  NOTIFY_URL,
  OUT_REFUND_NO,
  OUT_TRADE_NO,
  required,
  TRANSACTION_ID,
  wholeNumber,
  type FieldTable,
} from "./fields.ts";
import { findRequestedOrder } from "./find-order.ts";
import { parseRefundAccount } from "./funds-account.ts";
import { businessFailure, success, type ApiResponse } from "./response.ts";

/** Fields of the refund (W-37). */
export const REFUND_FIELDS: FieldTable = {
  fields: {
    ...COMMON_FIELDS,
    transaction_id: TRANSACTION_ID,
    out_trade_no: OUT_TRADE_NO,
    out_refund_no: required(OUT_REFUND_NO),
    total_fee: required(wholeNumber(1)),
    refund_fee: required(wholeNumber(1)),
    refund_fee_type: choice("CNY"),
    refund_desc: maxCharacters(80),
    refund_account: choice("REFUND_SOURCE_UNSETTLED_FUNDS", "REFUND_SOURCE_RECHARGE_FUNDS"),
    notify_url: NOTIFY_URL,
  },
  oneOf: ["transaction_id", "out_trade_no"],
};

const NO_TRANSACTION = businessFailure("INVALID_TRANSACTIONID", "无效transaction_id");

/** POST /secapi/pay/refund. SUCCESS means that the refund is accepted. Fields of the refund (W-37). */
export function refund(ledger: LedgerTransaction, call: AuthenticatedCall): ApiResponse {
  const { params } = call;
  const refundFee = Number(params.get("refund_fee"));
  const totalFee = Number(params.get("total_fee"));
  if (refundFee > totalFee) return ERROR_CODES["refund-above-total"];
  const order = findRequestedOrder(ledger, call, NO_TRANSACTION);
  if (!order.ok) return order.error;
  const accepted = requestRefund(ledger, order.value, {
    protocol: "v2",
    outRefundNo: params.get("out_refund_no") ?? "",
    refundFee,
    totalFee,
    notifyUrl: params.get("notify_url") ?? null,
    account: parseRefundAccount(params.get("refund_account") ?? null),
    params: businessParams(params),
  });
  return accepted.ok
    ? acceptanceResponse(accepted.value, order.value)
    : ERROR_CODES[accepted.error];
}

function acceptanceResponse(accepted: Refund, order: Order): ApiResponse {
  return success([
    ["transaction_id", order.transactionId],
    ["out_trade_no", order.outTradeNo],
    ["out_refund_no", accepted.outRefundNo],
    ["refund_id", accepted.refundId],
    ["refund_channel", ""],
    ["refund_fee", String(accepted.refundFee)],
    ["coupon_refund_fee", "0"],
    ["total_fee", String(order.totalFee)],
    ["cash_fee", String(order.totalFee)],
    ["coupon_refund_count", "0"],
    ["cash_refund_fee", String(accepted.refundFee)],
  ]);
}
