import { conflict, granted, missing, type Books, type Outcome } from "../ledger/books.ts";
import { recordCall } from "../ledger/calls.ts";
import { findAnyOrder, protocolOf } from "../ledger/orders.ts";
import { latestNotifyUrl, liveFee, refundsOf, type RefundResult } from "../ledger/refunds.ts";
import { newPlatformRefundNo } from "../protocol/ids.ts";
import { decideRefund } from "./refund-outcomes.ts";
import { accept, refusalOf } from "./request-refund.ts";

export interface PlatformRefund {
  /** Fen; all that is left of the payment when absent. */
  refundFee?: number | undefined;
  /** What it comes to, at once; like any other refund's, by the settings, when absent. */
  status?: RefundResult | undefined;
  /**
   * The address that is set in the merchant platform. When absent, the one that the merchant's
   * latest refund in the order's protocol named; without either nobody is told.
   */
  notifyUrl?: string | undefined;
}

/**
 * A person refunds an order in WeChat's merchant platform: no call asks for it, and WeChat makes up
 * the out_refund_no. Returns that number; a conflict names the rule that forbids it. The minute
 * between refunds is a rule for calls: a person need not wait, but a call after it must.
 */
export function refundInPlatform(
  books: Books,
  outTradeNo: string,
  { refundFee, status, notifyUrl }: PlatformRefund,
): Outcome<string> {
  const { sql, now } = books;
  const order = findAnyOrder(sql, outTradeNo);
  if (order === undefined) return missing(`no order ${outTradeNo}`);
  const { totalFee, mchId } = order;
  const fee = refundFee ?? totalFee - liveFee(refundsOf(sql, order));
  const refusal = refusalOf(books, order, { refundFee: fee, totalFee });
  if (refusal !== undefined) return conflict(`the order can't be refunded: ${refusal}`);
  const protocol = protocolOf(order);
  const { outRefundNo } = accept(books, order, {
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
  recordCall(books, { path: "platform", outTradeNo, outRefundNo, outcome: "refunded the order" });
  if (status === undefined) return granted(outRefundNo);
  const decided = decideRefund(books, outRefundNo, status, true);
  return decided.ok ? granted(outRefundNo) : decided;
}
