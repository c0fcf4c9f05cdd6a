import type { Books } from "../ledger/books.ts";
import { findByTransaction, findOrder, type Order } from "../ledger/orders.ts";
import { findByRefundId, findRefund, refundsOf, type Refund } from "../ledger/refunds.ts";
import { beijingText } from "../protocol/time.ts";
import { refundAccount } from "./accounts.ts";
import { done, refused, type Answer } from "./answers.ts";
import { otherApp } from "./find-order.ts";
import { REFUSALS } from "./refusals.ts";
import type { ApiRequest } from "./request.ts";

const PAGE = 10;

/**
 * POST /pay/refundquery: one refund by refund_id or out_refund_no, or an order's refunds, ten to a
 * reply. Of several keys the first of refund_id, out_refund_no, transaction_id, out_trade_no counts.
 * WeChat docs: refundquery.
 */
export function refundQuery(books: Books, request: ApiRequest): Answer {
  const { params } = request;
  const selection = select(books, request);
  if (selection === undefined) return REFUSALS["no-refund"];
  const { order, refunds } = selection;
  const mismatch = otherApp(order, params);
  if (mismatch !== undefined) return mismatch;
  const offset = Number(params.get("offset") ?? "0");
  if (offset >= refunds.length) return refused("PARAM_ERROR", "invalid offset");

  const page = refunds.slice(offset, offset + PAGE);
  return done([
    ...(refunds.length > PAGE ? [pair("total_refund_count", refunds.length)] : []),
    ["transaction_id", order.transactionId],
    ["out_trade_no", order.outTradeNo],
    pair("total_fee", order.totalFee),
    ["fee_type", "CNY"],
    pair("cash_fee", order.totalFee),
    pair("refund_count", page.length),
    ...page.flatMap((refund, index) => refundFacts(refund, index)),
  ]);
}

/** The order and those of its refunds that are asked for; undefined when there are none. */
function select(
  { sql }: Books,
  { merchant: { mchId }, params }: ApiRequest,
): { order: Order; refunds: Refund[] } | undefined {
  const refundId = params.get("refund_id");
  const outRefundNo = params.get("out_refund_no");
  if (refundId !== undefined || outRefundNo !== undefined) {
    const refund =
      refundId === undefined
        ? findRefund(sql, mchId, outRefundNo ?? "")
        : findByRefundId(sql, mchId, refundId);
    const order = refund && findOrder(sql, mchId, refund.outTradeNo);
    return refund && order && { order, refunds: [refund] };
  }
  const transactionId = params.get("transaction_id");
  const order =
    transactionId === undefined
      ? findOrder(sql, mchId, params.get("out_trade_no") ?? "")
      : findByTransaction(sql, mchId, transactionId);
  const refunds = order === undefined ? [] : refundsOf(sql, order);
  return order === undefined || refunds.length === 0 ? undefined : { order, refunds };
}

function refundFacts(refund: Refund, index: number): [string, string][] {
  const facts: [string, string][] = [
    ["out_refund_no", refund.outRefundNo],
    ["refund_id", refund.refundId],
    ["refund_channel", "ORIGINAL"],
    pair("refund_fee", refund.refundFee),
    ["refund_status", refund.status],
    ["refund_account", refundAccount(refund.account)],
    // WeChat's own spelling.
    ["refund_recv_accout", "支付用户零钱"],
  ];
  if (refund.succeededAt !== null) {
    facts.push(["refund_success_time", beijingText(refund.succeededAt)]);
  }
  return facts.map(([name, value]) => [`${name}_${index}`, value]);
}

function pair(name: string, value: number): [string, string] {
  return [name, String(value)];
}
