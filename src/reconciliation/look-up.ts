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

/** What D1 has of some lines, by the numbers in them. */
export interface RecordedTrades {
  readonly orders: ReadonlyMap<string, OurPayment>;
  readonly refunds: ReadonlyMap<string, OurRefund>;
}

/** Looks the lines up in D1: two queries at most, however many they are. */
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

/** The refund that a line is about; "" for a payment. */
export function refundNoOf(line: ComparedLine): string {
  return line.kind === "payment" ? "" : line.refundNo;
}

/** What a comparison of a line with D1 comes to; nothing can be said of an unreadable one. */
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
 * Whether WeChat can be asked, through the order's object, and the answer change the verdict: for
 * what we have in another state, and for a refund of our order that we don't know, which may have
 * been made in the merchant platform.
 */
export function isQueryable(staged: StagedLine, ours: RecordedTrades): boolean {
  const { line } = staged;
  const verdict = compareLine(staged, ours);
  return (
    verdict === "state differs" ||
    (verdict === "unknown" && line.kind === "refund" && ours.orders.has(line.orderNumber))
  );
}
