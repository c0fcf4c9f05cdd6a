import { findOrder, findOrderByTransaction, type Order } from "../ledger/orders.ts";
import { findRefund, findRefundById, refundsOf, type Refund } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { beijingText } from "../protocol/time.ts";
import type { AuthenticatedCall } from "./call.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  COMMON_FIELDS,
  OUT_REFUND_NO,
  OUT_TRADE_NO,
  REFUND_ID,
  TRANSACTION_ID,
  wholeNumber,
  type FieldTable,
} from "./fields.ts";
import { checkAppId } from "./find-order.ts";
import { refundAccountOf } from "./funds-account.ts";
import { businessFailure, success, type ApiResponse } from "./response.ts";
import type { Field } from "./xml.ts";

/** Fields of refundquery (W-45). */
export const QUERY_REFUND_FIELDS: FieldTable = {
  fields: {
    ...COMMON_FIELDS,
    refund_id: REFUND_ID,
    out_refund_no: OUT_REFUND_NO,
    transaction_id: TRANSACTION_ID,
    out_trade_no: OUT_TRADE_NO,
    offset: wholeNumber(0),
  },
  oneOf: ["refund_id", "out_refund_no", "transaction_id", "out_trade_no"],
};

const PAGE_SIZE = 10;

/**
 * POST /pay/refundquery: one refund by refund_id or out_refund_no, or an order's refunds, ten per
 * page. With several keys the first of refund_id, out_refund_no, transaction_id, out_trade_no counts.
 * Fields of refundquery (W-45).
 */
export function queryRefund(ledger: LedgerTransaction, call: AuthenticatedCall): ApiResponse {
  const { params } = call;
  const selection = selectRefunds(ledger, call);
  if (selection === null) return ERROR_CODES["no-refund"];
  const { order, refunds } = selection;
  const mismatch = checkAppId(order, params);
  if (mismatch !== null) return mismatch;
  const offset = Number(params.get("offset") ?? "0");
  if (offset >= refunds.length) return businessFailure("PARAM_ERROR", "invalid offset");

  const page = refunds.slice(offset, offset + PAGE_SIZE);
  return success([
    ...(refunds.length > PAGE_SIZE ? [numberField("total_refund_count", refunds.length)] : []),
    ["transaction_id", order.transactionId],
    ["out_trade_no", order.outTradeNo],
    numberField("total_fee", order.totalFee),
    ["fee_type", "CNY"],
    numberField("cash_fee", order.totalFee),
    numberField("refund_count", page.length),
    ...page.flatMap((refund, index) => refundFields(refund, index)),
  ]);
}

interface Selection {
  readonly order: Order;
  readonly refunds: readonly Refund[];
}

/** The requested refunds and their order; null when there are none. */
function selectRefunds(
  { sql }: LedgerTransaction,
  { merchant: { mchId }, params }: AuthenticatedCall,
): Selection | null {
  const refundId = params.get("refund_id");
  const outRefundNo = params.get("out_refund_no");
  if (refundId !== undefined || outRefundNo !== undefined) {
    const refund =
      refundId === undefined
        ? findRefund(sql, mchId, outRefundNo ?? "")
        : findRefundById(sql, mchId, refundId);
    const order = refund === null ? null : findOrder(sql, mchId, refund.outTradeNo);
    return refund === null || order === null ? null : { order, refunds: [refund] };
  }
  const transactionId = params.get("transaction_id");
  const order =
    transactionId === undefined
      ? findOrder(sql, mchId, params.get("out_trade_no") ?? "")
      : findOrderByTransaction(sql, mchId, transactionId);
  const refunds = order === null ? [] : refundsOf(sql, order);
  return order === null || refunds.length === 0 ? null : { order, refunds };
}

function refundFields(refund: Refund, index: number): readonly Field[] {
  const fields: Field[] = [
    ["out_refund_no", refund.outRefundNo],
    ["refund_id", refund.refundId],
    ["refund_channel", "ORIGINAL"],
    numberField("refund_fee", refund.refundFee),
    ["refund_status", refund.status],
    ["refund_account", refundAccountOf(refund.account)],
    // WeChat's own spelling.
    ["refund_recv_accout", "支付用户零钱"],
  ];
  if (refund.succeededAt !== null) {
    fields.push(["refund_success_time", beijingText(refund.succeededAt)]);
  }
  return fields.map(([name, value]) => [`${name}_${index}`, value]);
}

function numberField(name: string, value: number): Field {
  return [name, String(value)];
}
