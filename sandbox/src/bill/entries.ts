import type { ArmedBillFault } from "../ledger/faults.ts";
import type { Merchant } from "../ledger/merchants.ts";
import { findOrder, ordersPaid } from "../ledger/orders.ts";
import { refundsAskedFor } from "../ledger/refunds.ts";
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

/** What a line of a bill is made of, for faults to change. */
export interface Entry {
  line: BillLine;
  /** Whether a fault that names a number means this line. */
  isOf: (fault: Pick<ArmedBillFault, "outTradeNo" | "outRefundNo">) => boolean;
  oneFenMore: () => Entry;
}

/**
 * What happened to a merchant on a day, in both protocols and through all its appids: orders on the
 * day they were paid, refunds on the day they were asked for. WeChat docs: downloadbill.
 */
export function* billEntries(
  sql: SqlStorage,
  mchId: string,
  type: BillType,
  { from, to }: BillDay,
): Iterable<Entry> {
  if (type === "ALL" || type === "SUCCESS") {
    for (const order of ordersPaid(sql, mchId, from, to)) yield payment(order);
  }
  if (type === "ALL" || type === "REFUND") {
    for (const it of refundsAskedFor(sql, mchId, from, to)) {
      const order = findOrder(sql, mchId, it.outTradeNo);
      if (order === undefined || order.paidAt === null) {
        throw new Error(`no paid order for the refund ${it.outRefundNo}`);
      }
      yield refund(it, { ...order, paidAt: order.paidAt }, type);
    }
  }
}

/**
 * A trade that is in no books: a payment, or a refund when the fault names an out_refund_no, with
 * the numbers that it names. Undefined when a bill of this type has no such lines.
 */
export function unknownEntry(
  { mchId, appIds: [appId = ""] }: Merchant,
  type: BillType,
  { from, to }: BillDay,
  { outTradeNo, outRefundNo }: Pick<ArmedBillFault, "outTradeNo" | "outRefundNo">,
): Entry | undefined {
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
    return type === "ALL" || type === "SUCCESS" ? payment(order) : undefined;
  }
  const made: BilledRefund = {
    refundId: newRefundId(noon),
    outRefundNo,
    refundFee: 100,
    status: "SUCCESS",
    createdAt: noon,
    succeededAt: noon,
  };
  return type === "ALL" || type === "REFUND" ? refund(made, order, type) : undefined;
}

function payment(order: BilledOrder): Entry {
  return {
    line: paymentLine(order),
    isOf: ({ outTradeNo }) => outTradeNo === order.outTradeNo,
    oneFenMore: () => payment({ ...order, totalFee: order.totalFee + 1 }),
  };
}

function refund(it: BilledRefund, order: BilledOrder, inBillOf: "ALL" | "REFUND"): Entry {
  return {
    line: refundLine(it, order, inBillOf),
    isOf: ({ outRefundNo }) => outRefundNo === it.outRefundNo,
    oneFenMore: () => refund({ ...it, refundFee: it.refundFee + 1 }, order, inBillOf),
  };
}
