import type { ArmedBillFault } from "../ledger/faults.ts";
import type { Merchant } from "../ledger/merchants.ts";
import { findOrder, ordersPaidBetween } from "../ledger/orders.ts";
import { refundsRequestedBetween } from "../ledger/refunds.ts";
import { newNonce, newRefundId, newTransactionId } from "../protocol/ids.ts";
import type { BillType } from "./columns.ts";
import type { BillDay } from "./day.ts";
import {
  paymentLine,
  refundLine,
  type BilledOrder,
  type BilledRefund,
  type BillLine,
} from "./lines.ts";

/** A line of a bill and the ways in which faults select and alter it. */
export interface Entry {
  readonly line: BillLine;
  /** Whether a fault names the number of this line. */
  readonly matches: (fault: Pick<ArmedBillFault, "outTradeNo" | "outRefundNo">) => boolean;
  /** The same line with one fen more. */
  readonly withOneFenMore: () => Entry;
}

/**
 * The trades of a merchant on a day, in both protocols and for all its appids: orders by the time of
 * the payment, refunds by the time of the request (W-56).
 */
export function* billEntries(
  sql: SqlStorage,
  mchId: string,
  type: BillType,
  { from, to }: BillDay,
): Iterable<Entry> {
  if (type === "ALL" || type === "SUCCESS") {
    for (const order of ordersPaidBetween(sql, mchId, from, to)) yield payment(order);
  }
  if (type === "ALL" || type === "REFUND") {
    for (const it of refundsRequestedBetween(sql, mchId, from, to)) {
      const order = findOrder(sql, mchId, it.outTradeNo);
      if (order === null || order.paidAt === null) {
        throw new Error(`no paid order for the refund ${it.outRefundNo}`);
      }
      yield refund(it, { ...order, paidAt: order.paidAt }, type);
    }
  }
}

/**
 * A trade that is not in the ledger, with the numbers that the fault names: a refund if it names an
 * out_refund_no, else a payment. Null when a bill of this type has no such lines.
 */
export function unknownEntry(
  { mchId, appIds: [appId = ""] }: Merchant,
  type: BillType,
  { from, to }: BillDay,
  { outTradeNo, outRefundNo }: Pick<ArmedBillFault, "outTradeNo" | "outRefundNo">,
): Entry | null {
  const noon = from + (to - from) / 2;
  const order: BilledOrder = {
    mchId,
    appId,
    outTradeNo: outTradeNo ?? `UNKNOWN${newNonce().slice(0, 24)}`,
    transactionId: newTransactionId(noon),
    totalFee: 100,
    paidAt: noon,
    terms: {
      description: "A trade that nobody knows",
      openid: "oUnknown000000000000000000",
      notifyUrl: "",
      attach: null,
      deviceInfo: null,
    },
  };
  if (outRefundNo === undefined) {
    return type === "ALL" || type === "SUCCESS" ? payment(order) : null;
  }
  const unknownRefund: BilledRefund = {
    refundId: newRefundId(noon),
    outRefundNo,
    refundFee: 100,
    status: "SUCCESS",
    createdAt: noon,
    succeededAt: noon,
  };
  return type === "ALL" || type === "REFUND" ? refund(unknownRefund, order, type) : null;
}

function payment(order: BilledOrder): Entry {
  return {
    line: paymentLine(order),
    matches: ({ outTradeNo }) => outTradeNo === order.outTradeNo,
    withOneFenMore: () => payment({ ...order, totalFee: order.totalFee + 1 }),
  };
}

function refund(it: BilledRefund, order: BilledOrder, billType: "ALL" | "REFUND"): Entry {
  return {
    line: refundLine(it, order, billType),
    matches: ({ outRefundNo }) => outRefundNo === it.outRefundNo,
    withOneFenMore: () => refund({ ...it, refundFee: it.refundFee + 1 }, order, billType),
  };
}
