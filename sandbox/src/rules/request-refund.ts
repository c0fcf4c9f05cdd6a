import type { Books } from "../ledger/books.ts";
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
import { notifyRefundTooEarly } from "../notify/announce.ts";
import { newRefundId } from "../protocol/ids.ts";
import { allowed, forbidden, type Refusal, type Ruling } from "./refusal.ts";
import { sameParams, type Params } from "./repeat.ts";

/** What a call says of the refund that it wants. */
export type RefundRequest = Pick<
  Refund,
  "protocol" | "outRefundNo" | "refundFee" | "totalFee" | "notifyUrl" | "account" | "params"
>;

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const MOST_REFUNDS = 50;

const RESULT_OF: Readonly<Record<Settings["refundOutcome"], RefundResult | null>> = {
  manual: null,
  success: "SUCCESS",
  change: "CHANGE",
  close: "REFUNDCLOSE",
};

/**
 * Accepts a refund, no more. One out_refund_no is one refund, however often it is sent.
 * WeChat docs: refund.
 */
export function requestRefund(books: Books, order: Order, request: RefundRequest): Ruling<Refund> {
  const known = findRefund(books.sql, order.mchId, request.outRefundNo);
  return known === undefined ? first(books, order, request) : repeat(books, order, request, known);
}

function first(books: Books, order: Order, request: RefundRequest): Ruling<Refund> {
  const { sql, now } = books;
  const refusal = refusalOf(books, order, request);
  if (refusal !== undefined) return forbidden(refusal);
  const last = refundsOf(sql, order).at(-1);
  if (last !== undefined && now - last.createdAt < readSettings(sql).refundSpacingMs) {
    return forbidden("refund-too-soon-after-another");
  }
  const accepted = accept(books, order, { ...request, source: "API", calls: 1 });
  notifyRefundTooEarly(books, accepted, order);
  return allowed(accepted);
}

/** Books a new refund, to be decided as the settings say. */
export function accept(
  { sql, now }: Books,
  order: Order,
  wanted: RefundRequest & Pick<Refund, "source" | "calls">,
): Refund {
  const { refundOutcome, refundOutcomeAfterMs } = readSettings(sql);
  const decideAs = RESULT_OF[refundOutcome];
  const accepted: Refund = {
    ...wanted,
    mchId: order.mchId,
    outTradeNo: order.outTradeNo,
    refundId: newRefundId(now),
    status: "PROCESSING",
    createdAt: now,
    succeededAt: null,
    decideAt: decideAs === null ? null : now + refundOutcomeAfterMs,
    decideAs,
  };
  insertRefund(sql, accepted);
  setTradeState(sql, order, "REFUND");
  return accepted;
}

/** Why an order can't have a further refund of these amounts, whoever asks; undefined when it can. */
export function refusalOf(
  { sql, now }: Books,
  order: Order,
  { refundFee, totalFee }: Pick<RefundRequest, "refundFee" | "totalFee">,
): Refusal | undefined {
  if (order.paidAt === null) return "refund-of-unpaid-order";
  if (totalFee !== order.totalFee) return "refund-of-other-total";
  if (now - order.paidAt > YEAR_MS) return "refund-too-late";
  const refunds = refundsOf(sql, order);
  const refundedFee = liveFee(refunds);
  if (refundedFee >= order.totalFee) return "refunded-in-full";
  if (refundedFee + refundFee > order.totalFee) return "refund-above-rest";
  return refunds.length >= MOST_REFUNDS ? "too-many-refunds" : undefined;
}

function repeat(books: Books, order: Order, request: RefundRequest, known: Refund): Ruling<Refund> {
  const sameOrder = known.outTradeNo === order.outTradeNo;
  const sameFees = known.refundFee === request.refundFee && order.totalFee === request.totalFee;
  if (!sameOrder || !sameFees) return forbidden("refund-repeated-with-other-fees");
  // Whether WeChat takes a repeat in the other protocol is not published: the sandbox does not.
  const same =
    known.protocol === request.protocol &&
    sameParams(apartFromOrder(known.params), apartFromOrder(request.params));
  if (!same) return forbidden("refund-repeated-otherwise");
  countRefundCall(books.sql, known);
  return allowed(known);
}

/** The order may be named by either number, as long as it is the same order. */
function apartFromOrder(params: Params): Params {
  const { transaction_id: _transaction, out_trade_no: _order, ...rest } = params;
  return rest;
}
