import { findOrderByTransaction } from "../ledger/orders.ts";
import { findRefund, findRefundById } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import type { AuthenticatedCall } from "./call.ts";
import { checkFields, type FieldTable } from "./fields.ts";
import { businessFailure, type BusinessFailure } from "./response.ts";

/** The numbers of the order and the refund of a call, where known. */
export interface RequestNumbers {
  readonly outTradeNo?: string;
  readonly outRefundNo?: string;
}

/** Checks the parameters of a call without the ledger; null when they are valid. */
export function checkRequest(
  { merchant, params }: AuthenticatedCall,
  fields: FieldTable,
): BusinessFailure | null {
  const failure = checkFields(fields, params);
  if (failure !== null) return failure;
  return merchant.appIds.includes(params.get("appid") ?? "")
    ? null
    : businessFailure("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配");
}

/** The numbers of a call's order and refund, looked up when the call has WeChat's numbers only. */
export function numbersOf(
  { sql }: LedgerTransaction,
  { merchant: { mchId }, params }: AuthenticatedCall,
): RequestNumbers {
  const refundId = params.get("refund_id");
  const outRefundNo =
    params.get("out_refund_no") ??
    (refundId === undefined ? undefined : findRefundById(sql, mchId, refundId)?.outRefundNo);
  const transactionId = params.get("transaction_id");
  const outTradeNo =
    params.get("out_trade_no") ??
    (transactionId === undefined
      ? undefined
      : findOrderByTransaction(sql, mchId, transactionId)?.outTradeNo) ??
    (outRefundNo === undefined ? undefined : findRefund(sql, mchId, outRefundNo)?.outTradeNo);
  return {
    ...(outTradeNo === undefined ? {} : { outTradeNo }),
    ...(outRefundNo === undefined ? {} : { outRefundNo }),
  };
}
