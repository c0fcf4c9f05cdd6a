import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundStatus } from "../ledger/refunds.ts";
import { beijingText } from "../protocol/time.ts";
import { SUMMARY_NAMES, type Column, type ColumnSet, type NamedColumn } from "./columns.ts";

/** A paid order, as far as a bill tells of it. */
export type BilledOrder = Pick<
  Order,
  "mchId" | "appId" | "outTradeNo" | "transactionId" | "terms" | "totalFee"
> & { paidAt: number };

/** A refund, as far as a bill tells of it. */
export type BilledRefund = Pick<
  Refund,
  "refundId" | "outRefundNo" | "refundFee" | "status" | "createdAt" | "succeededAt"
>;

/** One line of a bill: what its columns hold, and the fen that it adds to the summary. */
export interface BillLine {
  values: Readonly<Record<Column, string>>;
  paidFee: number;
  refundedFee: number;
  poundage: number;
}

/** The fen and the lines of a bill, added up. */
export type Totals = Record<"lines" | "paidFee" | "refundedFee" | "poundage", number>;

// The usual rate, in thousandths.
const RATE_PER_MILLE = 6;
const RATE = "0.60%";

/** What a bill calls the state of a refund: other words than the calls have. */
const REFUND_STATES: Readonly<Record<RefundStatus, string>> = {
  PROCESSING: "PROCESSING",
  SUCCESS: "SUCCESS",
  CHANGE: "CHANGE",
  REFUNDCLOSE: "FAIL",
};

/** The line of a payment, which later refunds do not change. */
export function paymentLine(order: BilledOrder): BillLine {
  const poundage = poundageOf(order.totalFee);
  const values = {
    ...tradeValues(order),
    time: beijingText(order.paidAt),
    tradeState: "SUCCESS",
    settled: yuan(order.totalFee),
    refundedAt: "",
    refundSucceededAt: "",
    refundId: "0",
    outRefundNo: "0",
    refunded: yuan(0),
    refundType: "",
    refundState: "",
    poundage: poundageYuan(poundage),
    total: yuan(order.totalFee),
    refundAskedFor: yuan(0),
  };
  return { values, paidFee: order.totalFee, refundedFee: 0, poundage };
}

/**
 * The line of a refund. Its 交易时间 is when the refund was asked for in the bill of everything, and
 * when the order was paid in the bill of refunds, which tells the other times by themselves. The
 * poundage comes back with the money.
 */
export function refundLine(
  refund: BilledRefund,
  order: BilledOrder,
  inBillOf: "ALL" | "REFUND",
): BillLine {
  const { refundFee, status, createdAt, succeededAt } = refund;
  const poundage = status === "REFUNDCLOSE" ? 0 : 0 - poundageOf(refundFee);
  const values = {
    ...tradeValues(order),
    time: beijingText(inBillOf === "ALL" ? createdAt : order.paidAt),
    tradeState: "REFUND",
    settled: yuan(0),
    refundedAt: beijingText(createdAt),
    refundSucceededAt: succeededAt === null ? "" : beijingText(succeededAt),
    refundId: refund.refundId,
    outRefundNo: refund.outRefundNo,
    refunded: yuan(refundFee),
    refundType: "ORIGINAL",
    refundState: REFUND_STATES[status],
    poundage: poundageYuan(poundage),
    total: yuan(0),
    refundAskedFor: yuan(refundFee),
  };
  return { values, paidFee: 0, refundedFee: refundFee, poundage };
}

/** What payment and refund tell alike of their trade. */
function tradeValues({ mchId, appId, outTradeNo, transactionId, terms }: BilledOrder) {
  return {
    appId,
    mchId,
    subMchId: "0",
    device: escaped(terms.deviceInfo ?? ""),
    transactionId,
    outTradeNo,
    openid: terms.openid,
    tradeType: "JSAPI",
    bank: "OTHERS",
    currency: "CNY",
    coupon: yuan(0),
    couponRefunded: yuan(0),
    description: escaped(terms.description),
    attach: escaped(terms.attach ?? ""),
    rate: RATE,
    rateNote: "",
  };
}

/** A line as it stands in the file: each field after a backtick. */
export function lineText({ values }: BillLine, columns: readonly NamedColumn[]): string {
  return columns.map(({ id }) => `\`${values[id]}`).join(",");
}

/** The summary's two lines: names, and what the lines above add up to. */
export function summaryLines(totals: Totals, set: ColumnSet): [string, string] {
  const { lines, paidFee, refundedFee, poundage } = totals;
  const values = [String(lines), yuan(paidFee), yuan(refundedFee), yuan(0), poundageYuan(poundage)];
  if (set === "new") values.push(yuan(paidFee), yuan(refundedFee));
  return [SUMMARY_NAMES[set], values.map((value) => `\`${value}`).join(",")];
}

/** Fen as yuan with two decimals: by digits, never by division. */
export function yuan(fee: number): string {
  const digits = String(Math.abs(fee)).padStart(3, "0");
  return `${fee < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** Poundage is whole fen, and written with five decimals. */
function poundageYuan(fee: number): string {
  return `${yuan(fee)}000`;
}

/** The poundage of an amount, both in fen, rounded half up. */
function poundageOf(fee: number): number {
  return Math.floor((fee * RATE_PER_MILLE + 500) / 1000);
}

/** Merchants' own text: a comma is written as backslash and space, a line break as `\n`. */
function escaped(text: string): string {
  return text.replaceAll(",", "\\ ").replaceAll(/\r\n|\r|\n/g, "\\n");
}
