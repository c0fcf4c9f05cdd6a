import { recordCall } from "../ledger/calls.ts";
import { conflict, notFound, type ControlResult } from "../ledger/control-result.ts";
import { findAnyOrder, protocolOf } from "../ledger/orders.ts";
import {
  latestNotifyUrl,
  refundsOf,
  sumRefundedFee,
  type RefundResult,
} from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { newPlatformRefundNo } from "../protocol/ids.ts";
import { ok } from "../result.ts";
import { decideRefund } from "./refund-outcomes.ts";
import { acceptRefund, checkRefund } from "./request-refund.ts";

/** A refund in the merchant platform, as the control API requests it. */
export interface PlatformRefundRequest {
  /** Fen; the rest of the payment when absent. */
  readonly refundFee?: number | undefined;
  /** The outcome, at once; by the settings when absent. */
  readonly status?: RefundResult | undefined;
  /**
   * The address that is set in the merchant platform. When absent, that of the merchant's latest
   * refund in the order's protocol; without either, no notification is sent.
   */
  readonly notifyUrl?: string | undefined;
}

/**
 * A person refunds an order in WeChat's merchant platform, without a call. Returns the out_refund_no
 * that WeChat generates; a conflict names the rule that refuses the refund. The interval between
 * refunds applies to calls only: also to a call that follows this refund.
 */
export function refundInPlatform(
  ledger: LedgerTransaction,
  outTradeNo: string,
  { refundFee, status, notifyUrl }: PlatformRefundRequest,
): ControlResult<string> {
  const { sql, now } = ledger;
  const order = findAnyOrder(sql, outTradeNo);
  if (order === null) return notFound(`no order ${outTradeNo}`);
  const { totalFee, mchId } = order;
  const fee = refundFee ?? totalFee - sumRefundedFee(refundsOf(sql, order));
  const refusal = checkRefund(ledger, order, { refundFee: fee, totalFee });
  if (refusal !== null) return conflict(`the order can't be refunded: ${refusal}`);
  const protocol = protocolOf(order);
  const { outRefundNo } = acceptRefund(ledger, order, {
    protocol,
    source: "VENDOR_PLATFORM",
    outRefundNo: newPlatformRefundNo(mchId, now),
    refundFee: fee,
    totalFee,
    notifyUrl: notifyUrl ?? latestNotifyUrl(sql, mchId, protocol),
    account: "AVAILABLE",
    params: {},
    calls: 0,
  });
  recordCall(ledger, { path: "platform", outTradeNo, outRefundNo, outcome: "refunded the order" });
  if (status === undefined) return ok(outRefundNo);
  const decided = decideRefund(ledger, outRefundNo, status, true);
  return decided.ok ? ok(outRefundNo) : decided;
}
