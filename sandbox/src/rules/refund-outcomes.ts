import { recordCall } from "../ledger/calls.ts";
import { conflict, notFound, type ControlResult } from "../ledger/control-result.ts";
import { findOrder, type Order } from "../ledger/orders.ts";
import {
  findAnyRefund,
  refundsDue,
  setRefundStatus,
  type Refund,
  type RefundResult,
} from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { notifyRefund } from "../notify/schedule.ts";
import { ok } from "../result.ts";

/**
 * Decides a refund and, with `notify`, notifies the merchant. SUCCESS and REFUNDCLOSE are final,
 * CHANGE is not.
 */
export function decideRefund(
  ledger: LedgerTransaction,
  outRefundNo: string,
  status: RefundResult,
  notify: boolean,
): ControlResult<null> {
  const refund = findAnyRefund(ledger.sql, outRefundNo);
  if (refund === null) return notFound(`no refund ${outRefundNo}`);
  switch (refund.status) {
    case "SUCCESS":
    case "REFUNDCLOSE":
      return conflict(`the refund is ${refund.status} for good`);
    case "CHANGE":
      if (status === "CHANGE") return conflict("the refund is CHANGE already");
      break;
    case "PROCESSING":
      break;
  }
  applyOutcome(ledger, refund, status, notify);
  return ok(null);
}

/** Decides the refunds whose outcome is due by the setting `refundOutcome`. */
export function decideDueRefunds(ledger: LedgerTransaction): void {
  for (const refund of refundsDue(ledger.sql, ledger.now)) {
    if (refund.decideAs !== null) applyOutcome(ledger, refund, refund.decideAs, true);
  }
}

/** WeChat sends a refund's notification again at once, as a new notification. */
export function notifyRefundAgain(
  ledger: LedgerTransaction,
  outRefundNo: string,
): ControlResult<null> {
  const refund = findAnyRefund(ledger.sql, outRefundNo);
  if (refund === null) return notFound(`no refund ${outRefundNo}`);
  if (refund.status === "PROCESSING") {
    return conflict("the refund is PROCESSING: there is nothing to tell");
  }
  if (refund.notifyUrl === null) return conflict("the refund has no notify_url");
  notifyRefund(ledger, refund, orderOf(ledger, refund), refund.status);
  return ok(null);
}

function applyOutcome(
  ledger: LedgerTransaction,
  refund: Refund,
  status: RefundResult,
  notify: boolean,
): void {
  const { sql, now } = ledger;
  setRefundStatus(sql, refund, status, now);
  recordCall(ledger, {
    path: "wechat",
    outTradeNo: refund.outTradeNo,
    outRefundNo: refund.outRefundNo,
    outcome: `refund is ${status}`,
  });
  if (!notify) return;
  const succeededAt = status === "SUCCESS" ? now : null;
  notifyRefund(ledger, { ...refund, status, succeededAt }, orderOf(ledger, refund), status);
}

function orderOf({ sql }: LedgerTransaction, refund: Refund): Order {
  const order = findOrder(sql, refund.mchId, refund.outTradeNo);
  if (order === null) throw new Error(`no order for the refund ${refund.outRefundNo}`);
  return order;
}
