import type { Books } from "../ledger/books.ts";
import type { Order } from "../ledger/orders.ts";
import type { Refund } from "../ledger/refunds.ts";
import { fundsAccount } from "./accounts.ts";
import { requestRefund } from "../rules/request-refund.ts";
import { done, refused, type Answer } from "./answers.ts";
import { orderOf } from "./find-order.ts";
import { businessParams } from "./params.ts";
import { REFUSALS } from "./refusals.ts";
import type { ApiRequest } from "./request.ts";

const NO_TRANSACTION = refused("INVALID_TRANSACTIONID", "无效transaction_id");

/** POST /secapi/pay/refund. SUCCESS means accepted, no more. WeChat docs: refund. */
export function refund(books: Books, request: ApiRequest): Answer {
  const { params } = request;
  const refundFee = Number(params.get("refund_fee"));
  const totalFee = Number(params.get("total_fee"));
  if (refundFee > totalFee) return REFUSALS["refund-above-total"];
  const found = orderOf(books, request, NO_TRANSACTION);
  if (!found.ok) return found.answer;
  const ruling = requestRefund(books, found.order, {
    protocol: "v2",
    outRefundNo: params.get("out_refund_no") ?? "",
    refundFee,
    totalFee,
    notifyUrl: params.get("notify_url") ?? null,
    account: fundsAccount(params.get("refund_account")),
    params: businessParams(params),
  });
  return ruling.ok ? acceptance(ruling.value, found.order) : REFUSALS[ruling.refusal];
}

function acceptance(accepted: Refund, order: Order): Answer {
  return done([
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
