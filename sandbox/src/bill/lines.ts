import type { Order } from "../ledger/orders.ts";
import type { Refund, RefundStatus } from "../ledger/refunds.ts";
import { beijingText } from "../protocol/time.ts";
import { SUMMARY_NAMES, type Column, type ColumnSet, type NamedColumn } from "./columns.ts";

/** The parts of a paid order that a bill contains. */
export type BilledOrder = Pick<
  Order,
  "mchId" | "appId" | "outTradeNo" | "transactionId" | "terms" | "totalFee"
> & { readonly paidAt: number };

/** The parts of a refund that a bill contains. */
export type BilledRefund = Pick<
  Refund,
  "refundId" | "outRefundNo" | "refundFee" | "status" | "createdAt" | "succeededAt"
>;

/** One line of a bill: the values of its columns, and the fen that it adds to the summary. */
export interface BillLine {
  readonly values: Readonly<Record<Column, string>>;
  readonly paidFee: number;
  readonly refundedFee: number;
  readonly serviceFee: number;
}

/** The totals of a bill: its lines and their fen. */
export type Totals = Record<"lines" | "paidFee" | "refundedFee" | "serviceFee", number>;

// The usual rate, per mille.
const RATE_PER_MILLE = 6;
const RATE = "0.60%";

/** The states of a refund in a bill, which differ from those of the calls. */
const REFUND_STATES: Readonly<Record<RefundStatus, string>> = {
  PROCESSING: "PROCESSING",
  SUCCESS: "SUCCESS",
  CHANGE: "CHANGE",
  REFUNDCLOSE: "FAIL",
};

/** The line of a payment, which later refunds don't change. */
export function paymentLine(order: BilledOrder): BillLine {
  const serviceFee = serviceFeeOf(order.totalFee);
  const values = {
    ...tradeValues(order),
    time: beijingText(order.paidAt),
    tradeState: "SUCCESS",
    settlementTotal: yuan(order.totalFee),
    refundRequestedAt: "",
    refundSucceededAt: "",
    refundId: "0",
    outRefundNo: "0",
    refundAmount: yuan(0),
    refundType: "",
    refundState: "",
    serviceFee: serviceFeeYuan(serviceFee),
    orderTotal: yuan(order.totalFee),
    requestedRefundAmount: yuan(0),
  };
  return { values, paidFee: order.totalFee, refundedFee: 0, serviceFee };
}

/**
 * The line of a refund. Its 交易时间 is the time of the request in a bill of type ALL. In one of type
 * REFUND, which has columns for the other times, it is the time of the payment. The service fee
 * is refunded too.
 */
export function refundLine(
  refund: BilledRefund,
  order: BilledOrder,
  billType: "ALL" | "REFUND",
): BillLine {
  const { refundFee, status, createdAt, succeededAt } = refund;
  const serviceFee = status === "REFUNDCLOSE" ? 0 : 0 - serviceFeeOf(refundFee);
  const values = {
    ...tradeValues(order),
    time: beijingText(billType === "ALL" ? createdAt : order.paidAt),
    tradeState: "REFUND",
    settlementTotal: yuan(0),
    refundRequestedAt: beijingText(createdAt),
    refundSucceededAt: succeededAt === null ? "" : beijingText(succeededAt),
    refundId: refund.refundId,
    outRefundNo: refund.outRefundNo,
    refundAmount: yuan(refundFee),
    refundType: "ORIGINAL",
    refundState: REFUND_STATES[status],
    serviceFee: serviceFeeYuan(serviceFee),
    orderTotal: yuan(0),
    requestedRefundAmount: yuan(refundFee),
  };
  return { values, paidFee: 0, refundedFee: refundFee, serviceFee };
}

/** The columns that a payment and its refunds have in common. */
function tradeValues({ mchId, appId, outTradeNo, transactionId, terms }: BilledOrder) {
  return {
    appId,
    mchId,
    subMchId: "0",
    device: escapeText(terms.deviceInfo ?? ""),
    transactionId,
    outTradeNo,
    openid: terms.openid,
    tradeType: "JSAPI",
    bankType: "OTHERS",
    currency: "CNY",
    couponAmount: yuan(0),
    couponRefundAmount: yuan(0),
    description: escapeText(terms.description),
    attach: escapeText(terms.attach ?? ""),
    rate: RATE,
    rateNote: "",
  };
}

/** A line of the file: a backtick precedes each field. */
export function lineText({ values }: BillLine, columns: readonly NamedColumn[]): string {
  return columns.map(({ id }) => `\`${values[id]}`).join(",");
}

/** The two lines of the summary: names and totals. */
export function summaryLines(totals: Totals, set: ColumnSet): [string, string] {
  const { lines, paidFee, refundedFee, serviceFee } = totals;
  const values = [
    String(lines),
    yuan(paidFee),
    yuan(refundedFee),
    yuan(0),
    serviceFeeYuan(serviceFee),
  ];
  if (set === "new") values.push(yuan(paidFee), yuan(refundedFee));
  return [SUMMARY_NAMES[set], values.map((value) => `\`${value}`).join(",")];
}

/** Fen as yuan with two decimals, without division. */
export function yuan(fee: number): string {
  const digits = String(Math.abs(fee)).padStart(3, "0");
  return `${fee < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** A service fee, in whole fen, as yuan with five decimals. */
function serviceFeeYuan(fee: number): string {
  return `${yuan(fee)}000`;
}

/** The service fee of an amount, both in fen, rounded half up. */
function serviceFeeOf(fee: number): number {
  return Math.floor((fee * RATE_PER_MILLE + 500) / 1000);
}

/** Escapes text of the merchant: a comma as backslash and space, a line break as `\n`. */
function escapeText(text: string): string {
  return text.replaceAll(",", "\\ ").replaceAll(/\r\n|\r|\n/g, "\\n");
}
