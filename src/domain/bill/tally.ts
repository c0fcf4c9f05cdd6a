import { cellsOfHeader } from "./columns.ts";
import { hasForeignNumber } from "./foreign.ts";
import type { ReadLine } from "./line.ts";
import { countOf, fenOfYuan } from "./yuan.ts";

/** The totals of a bill's lines. */
export interface Tally {
  readonly lines: number;
  readonly unreadable: number;
  /** The unreadable lines whose number shows that they aren't ours. */
  readonly unreadableForeign: number;
  readonly payments: number;
  readonly paidFen: number;
  readonly refunds: number;
  /** The requested amounts. */
  readonly refundedFen: number;
  /** The sums of the columns, as in the summary; null when they are unknown. */
  readonly orderSumFen: number | null;
  readonly refundSumFen: number | null;
}

export const EMPTY_TALLY: Tally = {
  lines: 0,
  unreadable: 0,
  unreadableForeign: 0,
  payments: 0,
  paidFen: 0,
  refunds: 0,
  refundedFen: 0,
  orderSumFen: 0,
  refundSumFen: 0,
};

/** Adds lines. How the summary counts a reversed payment isn't documented: it makes sums unknown. */
export function tally(before: Tally, read: readonly ReadLine[]): Tally {
  const sum: { -readonly [Name in keyof Tally]: Tally[Name] } = { ...before };
  for (const { line, orderFen, refundFen } of read) {
    sum.lines += 1;
    sum.orderSumFen = add(sum.orderSumFen, line.kind === "revoked" ? null : orderFen);
    sum.refundSumFen = add(sum.refundSumFen, line.kind === "revoked" ? null : refundFen);
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
        if (hasForeignNumber(line)) sum.unreadableForeign += 1;
        break;
    }
  }
  return sum;
}

function add(sum: number | null, fen: number | null): number | null {
  return sum === null || fen === null ? null : sum + fen;
}

/** The name of the summary's first column, which identifies the summary. */
const COUNT_COLUMN = "总交易单数";

/** Enough of a line for its first name, with blanks and a backtick. */
const MAX_START_LENGTH = 32;

/** Whether a line is the summary's header. A trade's line begins with its time. */
export function isSummaryHeader(line: string): boolean {
  return cellsOfHeader(line.slice(0, MAX_START_LENGTH))[0] === COUNT_COLUMN;
}

/**
 * Compares the totals with the bill's own summary. Returns the first difference, or null when they
 * agree: then nothing was lost in transit. An unreadable line may be a trade, or part of one; it
 * doesn't hold up the day, and is reported by itself. For the old set of columns only the count is
 * compared: WeChat doesn't document what its sums contain.
 */
export function summaryFault(header: string, values: string, counted: Tally): string | null {
  const cells = cellsOfHeader(values);
  const columns = cellsOfHeader(header);
  if (cells.length !== columns.length) return "a summary that can't be read";
  const valueOf = (name: string): string | undefined => cells[columns.indexOf(name)];
  const count = countOf(valueOf(COUNT_COLUMN) ?? "");
  if (count === null) return "a summary that can't be read";
  if (count < counted.lines - counted.unreadable || count > counted.lines) {
    return `the summary counts ${count} lines, there are ${counted.lines}`;
  }
  for (const [name, sumFen] of [
    ["订单总金额", counted.orderSumFen],
    ["申请退款总金额", counted.refundSumFen],
  ] as const) {
    const stated = valueOf(name);
    if (stated !== undefined && sumFen !== null && fenOfYuan(stated) !== sumFen) {
      return `the summary's ${name} isn't the lines' sum`;
    }
  }
  return null;
}
