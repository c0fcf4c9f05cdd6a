import type { Books } from "../ledger/books.ts";
import { notifyRefundTooEarly } from "../ledger/notify.ts";
import { setTradeState, type Order } from "../ledger/orders.ts";
import {
  countRefundCall,
  findRefund,
  insertRefund,
  liveFee,
  refundsOf,
  type Refund,
  type RefundResult,
} from "../ledger/refunds.ts";
import { readSettings, type Settings } from "../ledger/settings.ts";
import { done, refused, rejected, type Answer } from "../protocol/answers.ts";
import { newRefundId } from "../protocol/ids.ts";
import { locateOrder } from "./find-order.ts";
import { businessParams, sameParams } from "./repeat.ts";
import type { ApiRequest } from "./request.ts";

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const MOST_REFUNDS = 50;

const RESULT_OF: Readonly<Record<Settings["refundOutcome"], RefundResult | null>> = {
  manual: null,
  success: "SUCCESS",
  change: "CHANGE",
  close: "REFUNDCLOSE",
};

/**
 * POST /secapi/pay/refund. SUCCESS means accepted, no more. One out_refund_no is one refund,
 * however often it is sent. WeChat docs: refund.
 */
export function refund(books: Books, request: ApiRequest): Answer {
  const { merchant, params } = request;
  if (Number(params.get("refund_fee")) > Number(params.get("total_fee"))) {
    return rejected("PARAM_ERROR", "invalid refund_fee");
  }
  const found = locateOrder(books, request, refused("INVALID_TRANSACTIONID", "无效transaction_id"));
  if (!found.ok) return found.answer;
  const known = findRefund(books.sql, merchant.mchId, params.get("out_refund_no") ?? "");
  return known === undefined
    ? first(books, request, found.order)
    : repeat(books, request, found.order, known);
}

function first(books: Books, { params }: ApiRequest, order: Order): Answer {
  const { sql, now } = books;
  const settings = readSettings(sql);
  const refundFee = Number(params.get("refund_fee"));
  const refusal = refusalOf(books, order, refundFee, Number(params.get("total_fee")), settings);
  if (refusal !== undefined) return refusal;

  const decideAs = RESULT_OF[settings.refundOutcome];
  const accepted: Refund = {
    mchId: order.mchId,
    outRefundNo: params.get("out_refund_no") ?? "",
    outTradeNo: order.outTradeNo,
    refundId: newRefundId(now),
    refundFee,
    params: businessParams(params),
    status: "PROCESSING",
    createdAt: now,
    succeededAt: null,
    calls: 1,
    decideAt: decideAs === null ? null : now + settings.refundOutcomeAfterMs,
    decideAs,
  };
  insertRefund(sql, accepted);
  setTradeState(sql, order, "REFUND");
  notifyRefundTooEarly(books, accepted, order);
  return acceptance(accepted, order);
}

/** Why an order can't have this new refund; undefined when it can. */
function refusalOf(
  { sql, now }: Books,
  order: Order,
  refundFee: number,
  totalFee: number,
  settings: Settings,
): Answer | undefined {
  // WeChat says so of unpaid orders too: "check that the number is right and the order is paid".
  if (order.paidAt === null) return refused("ORDERNOTEXIST", "订单不存在或未支付");
  if (totalFee !== order.totalFee) return refused("INVALID_REQUEST", "total_fee与订单金额不一致");
  if (now - order.paidAt > YEAR_MS) return refused("TRADE_OVERDUE", "订单已经超过退款期限");
  const refunds = refundsOf(sql, order);
  const refundedFee = liveFee(refunds);
  if (refundedFee >= order.totalFee) return refused("ERROR", "订单已全额退款");
  if (refundedFee + refundFee > order.totalFee) {
    return refused("INVALID_REQUEST", "refund_fee大于可退金额");
  }
  if (refunds.length >= MOST_REFUNDS) return refused("INVALID_REQUEST", "部分退款次数超过50次");
  const last = refunds.at(-1);
  if (last !== undefined && now - last.createdAt < settings.refundSpacingMs) {
    return refused("FREQUENCY_LIMITED", "同一笔订单的退款请求需间隔1分钟");
  }
  return undefined;
}

function repeat(books: Books, { params }: ApiRequest, order: Order, known: Refund): Answer {
  const sameOrder = known.outTradeNo === order.outTradeNo;
  const sameFees =
    known.refundFee === Number(params.get("refund_fee")) &&
    order.totalFee === Number(params.get("total_fee"));
  if (!sameOrder || !sameFees) {
    return refused("REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致，请核实后再试");
  }
  if (!sameParams(apartFromOrder(known.params), apartFromOrder(businessParams(params)))) {
    return refused("INVALID_REQUEST", "请求重入时,参数与首次请求时不一致");
  }
  countRefundCall(books.sql, known);
  return acceptance(known, order);
}

/** The order may be named by either number, as long as it is the same order. */
function apartFromOrder(params: Readonly<Record<string, string>>): Record<string, string> {
  const { transaction_id: _transaction, out_trade_no: _order, ...rest } = params;
  return rest;
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
