import { cellsOf, cellsOfHeader } from "./columns.ts";
import type { ReadLine } from "./line.ts";
import { countOf, fenOfYuan } from "./yuan.ts";

/** What a bill's lines come to. */
export interface Tally {
  readonly lines: number;
  readonly unreadable: number;
  readonly payments: number;
  readonly paidFen: number;
  readonly refunds: number;
  /** What was applied for. */
  readonly refundedFen: number;
  /** The columns' sums, as the summary has them; null when they can't be told. */
  readonly orderSumFen: number | null;
  readonly refundSumFen: number | null;
}

export const NOTHING: Tally = {
  lines: 0,
  unreadable: 0,
  payments: 0,
  paidFen: 0,
  refunds: 0,
  refundedFen: 0,
  orderSumFen: 0,
  refundSumFen: 0,
};

/** Counts lines in. How the summary reckons what was taken back isn't told, so sums end there. */
export function tally(before: Tally, read: readonly ReadLine[]): Tally {
  const sum: { -readonly [Name in keyof Tally]: Tally[Name] } = { ...before };
  for (const { line, orderFen, refundFen } of read) {
    sum.lines += 1;
    sum.orderSumFen = plus(sum.orderSumFen, line.kind === "revoked" ? null : orderFen);
    sum.refundSumFen = plus(sum.refundSumFen, line.kind === "revoked" ? null : refundFen);
    switch (line.kind) {
      case "payment":
        sum.payments += 1;
        sum.paidFen += line.totalFen;
        break;
      case "refund":
        sum.refunds += 1;
        sum.refundedFen += line.refundFen;
        break;
      case "revoked":
        break;
      case "unreadable":
        sum.unreadable += 1;
        break;
    }
  }
  return sum;
}

function plus(sum: number | null, fen: number | null): number | null {
  return sum === null || fen === null ? null : sum + fen;
}

/** The name of the summary's first column: by it the summary is found, not by counting lines. */
const FIRST_NAME = "总交易单数";

/** Whether a line is the summary's line of names. A line about a trade begins with its time. */
export function isSummaryHeader(line: string): boolean {
  return line.startsWith(FIRST_NAME) || line.startsWith(`\`${FIRST_NAME}`);
}

/**
 * Compares the lines with the bill's own summary. Returns what is wrong, or null when they agree:
 * then nothing of the bill was lost on the way. Of the old set of columns only the count is compared:
 * WeChat's documents don't tell what its sums hold.
 */
export function summaryFault(names: string, values: string, counted: Tally): string | null {
  const cells = cellsOf(values);
  const columns = cellsOfHeader(names);
  if (cells === null || cells.length !== columns.length) return "a summary that can't be read";
  const valueOf = (name: string): string | undefined => cells[columns.indexOf(name)];
  const count = countOf(valueOf(FIRST_NAME) ?? "");
  if (count === null) return "a summary that can't be read";
  if (count !== counted.lines) {
    return `the summary counts ${count} lines, there are ${counted.lines}`;
  }
  for (const [name, sumFen] of [
    ["订单总金额", counted.orderSumFen],
    ["申请退款总金额", counted.refundSumFen],
  ] as const) {
    const told = valueOf(name);
    if (told !== undefined && sumFen !== null && fenOfYuan(told) !== sumFen) {
      return `the summary's ${name} isn't the lines' sum`;
    }
  }
  return null;
}
