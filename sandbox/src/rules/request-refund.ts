import { setTradeState, type Order } from "../ledger/orders.ts";
import {
  countRefundCall,
  findRefund,
  insertRefund,
  refundsOf,
  sumRefundedFee,
  type Refund,
  type RefundResult,
} from "../ledger/refunds.ts";
import { readSettings, type Settings } from "../ledger/settings.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { notifyRefundEarly } from "../notify/schedule.ts";
import { newRefundId } from "../protocol/ids.ts";
import { err, ok, type Result } from "../result.ts";
import type { Refusal } from "./refusal.ts";
import { sameParams, type Params } from "./repeat.ts";

/** A refund call in either protocol. */
export type RefundRequest = Pick<
  Refund,
  "protocol" | "outRefundNo" | "refundFee" | "totalFee" | "notifyUrl" | "account" | "params"
>;

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const MAX_REFUNDS = 50;

const RESULT_OF: Readonly<Record<Settings["refundOutcome"], RefundResult | null>> = {
  manual: null,
  success: "SUCCESS",
  change: "CHANGE",
  close: "REFUNDCLOSE",
};

/**
 * Accepts a refund without deciding it. Every repeat of an out_refund_no returns the same refund.
 * See W-39.
 */
export function requestRefund(
  ledger: LedgerTransaction,
  order: Order,
  request: RefundRequest,
): Result<Refund, Refusal> {
  const known = findRefund(ledger.sql, order.mchId, request.outRefundNo);
  return known === null ? create(ledger, order, request) : repeat(ledger, order, request, known);
}

function create(
  ledger: LedgerTransaction,
  order: Order,
  request: RefundRequest,
): Result<Refund, Refusal> {
  const { sql, now } = ledger;
  const refusal = checkRefund(ledger, order, request);
  if (refusal !== null) return err(refusal);
  const last = refundsOf(sql, order).at(-1);
  if (last !== undefined && now - last.createdAt < readSettings(sql).refundSpacingMs) {
    return err("refund-too-soon-after-another");
  }
  const accepted = acceptRefund(ledger, order, { ...request, source: "API", calls: 1 });
  notifyRefundEarly(ledger, accepted, order);
  return ok(accepted);
}

/** Stores a new refund, which is decided as the settings say. */
export function acceptRefund(
  { sql, now }: LedgerTransaction,
  order: Order,
  request: RefundRequest & Pick<Refund, "source" | "calls">,
): Refund {
  const { refundOutcome, refundOutcomeAfterMs } = readSettings(sql);
  const decideAs = RESULT_OF[refundOutcome];
  const accepted: Refund = {
    ...request,
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

/** Why an order can't have a further refund of this amount, by call or in the platform, or null. */
export function checkRefund(
  { sql, now }: LedgerTransaction,
  order: Order,
  { refundFee, totalFee }: Pick<RefundRequest, "refundFee" | "totalFee">,
): Refusal | null {
  if (order.paidAt === null) return "refund-of-unpaid-order";
  if (totalFee !== order.totalFee) return "refund-of-other-total";
  if (now - order.paidAt > YEAR_MS) return "refund-too-late";
  const refunds = refundsOf(sql, order);
  const refundedFee = sumRefundedFee(refunds);
  if (refundedFee >= order.totalFee) return "refunded-in-full";
  if (refundedFee + refundFee > order.totalFee) return "refund-above-rest";
  return refunds.length >= MAX_REFUNDS ? "too-many-refunds" : null;
}

function repeat(
  ledger: LedgerTransaction,
  order: Order,
  request: RefundRequest,
  known: Refund,
): Result<Refund, Refusal> {
  const sameOrder = known.outTradeNo === order.outTradeNo;
  const sameFees = known.refundFee === request.refundFee && order.totalFee === request.totalFee;
  if (!sameOrder || !sameFees) return err("refund-repeated-with-other-fees");
  // WeChat doesn't publish whether it accepts a repeat in the other protocol. The sandbox refuses it.
  const same =
    known.protocol === request.protocol &&
    sameParams(withoutOrderNumbers(known.params), withoutOrderNumbers(request.params));
  if (!same) return err("refund-repeated-otherwise");
  countRefundCall(ledger.sql, known);
  return ok(known);
}

/** A repeat may name the same order by its other number. */
function withoutOrderNumbers(params: Params): Params {
  const { transaction_id: _transaction, out_trade_no: _order, ...rest } = params;
  return rest;
}
