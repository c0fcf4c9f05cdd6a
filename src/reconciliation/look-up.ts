import {
  compareBillPayment,
  compareBillRefund,
  type OurPayment,
  type OurRefund,
} from "../domain/bill/compare.ts";
import type { BillComparison } from "../domain/bill/compare.ts";
import { findOrdersByNumber, findRefundsByNumber } from "../db/day-trades.ts";
import type { RunContext } from "./run.ts";
import type { ComparedLine, StagedLine } from "./staging.ts";

/** The trades of D1 that some lines refer to, by their numbers. */
export interface RecordedTrades {
  readonly orders: ReadonlyMap<string, OurPayment>;
  readonly refunds: ReadonlyMap<string, OurRefund>;
}

/** For lines that are known to be unrecorded. */
export const NOTHING_RECORDED: RecordedTrades = { orders: new Map(), refunds: new Map() };

/** Looks the lines up in D1, by two queries at most. */
export async function findRecords(
  { db, merchantId }: RunContext,
  lines: readonly StagedLine[],
): Promise<RecordedTrades> {
  const orderNumbers = lines.map(({ line }) => line.orderNumber);
  const refundNos = lines.map(({ line }) => refundNoOf(line)).filter((number) => number !== "");
  return {
    orders: lines.length === 0 ? new Map() : await findOrdersByNumber(db, merchantId, orderNumbers),
    refunds:
      refundNos.length === 0 ? new Map() : await findRefundsByNumber(db, merchantId, refundNos),
  };
}

/** Whether the line is about an order or a refund that D1 has. */
export function isRecorded({ line }: StagedLine, { orders, refunds }: RecordedTrades): boolean {
  return orders.has(line.orderNumber) || refunds.has(refundNoOf(line));
}

/** The line's refund number; "" for a payment. */
export function refundNoOf(line: ComparedLine): string {
  return line.kind === "payment" ? "" : line.refundNo;
}

/** Compares a line with D1. */
export function compareLine(
  { line }: StagedLine,
  ours: RecordedTrades,
): BillComparison | "unreadable" {
  switch (line.kind) {
    case "payment":
      return compareBillPayment(line, ours.orders.get(line.orderNumber));
    case "refund":
      return compareBillRefund(line, ours.refunds.get(line.refundNo));
    case "unreadable":
      return "unreadable";
  }
}

/**
 * Whether a query to WeChat, through the order's object, may resolve the difference: when D1 has the
 * trade in another state, or lacks a refund of one of our orders, which may have been made in the
 * merchant platform.
 */
export function isQueryable(staged: StagedLine, ours: RecordedTrades): boolean {
  const { line } = staged;
  const comparison = compareLine(staged, ours);
  return (
    comparison === "state differs" ||
    (comparison === "unknown" && line.kind === "refund" && ours.orders.has(line.orderNumber))
  );
}
