import type { BillDay } from "../domain/bill/day.ts";
import type { TradeCursor } from "../db/day-trades.ts";
import { NO_TOTALS, type Totals } from "../db/reconciliations.ts";
import type { WorkContext } from "../settings/work-context.ts";
import type { Staging } from "./staging.ts";

/**
 * The current phase: fetch the bill; compare its lines with D1; find our payments, then our refunds,
 * that it lacks. Each phase may take several steps.
 */
export type Phase = "fetch" | "lines" | "payments" | "refunds";

/** The progress of a day. Stored with the staging, in one transaction. */
export interface Run {
  readonly merchantId: number;
  readonly day: string;
  readonly phase: Phase;
  /** The last line compared (its number as `id`), or the last of our trades searched for. */
  readonly cursor: TradeCursor;
  /** When the bill was opened, Unix ms: later trades can't be in it. */
  readonly openedAt: number;
  readonly totals: Totals;
  readonly unrecorded: UnrecordedLines;
  /** The request that started the day; null when the schedule did. */
  readonly requestId: string | null;
}

/**
 * Differences of trades that D1 doesn't have: lost by it, or another system's with numbers like ours.
 * They become incidents at the end, so that they leave no difference of our own orders unlisted.
 */
export interface UnrecordedLines {
  /** They are in the totals' discrepancies too. */
  readonly count: number;
  /** The numbers of the first ones, as many as may be listed. */
  readonly first: readonly number[];
}

export const NONE_UNRECORDED: UnrecordedLines = { count: 0, first: [] };

/** The start of a phase. */
export const START: TradeCursor = { at: 0, id: 0 };

/** The start of a day. */
export function newRun(merchantId: number, day: string, requestId: string | null): Run {
  return {
    merchantId,
    day,
    phase: "fetch",
    cursor: START,
    openedAt: 0,
    totals: NO_TOTALS,
    unrecorded: NONE_UNRECORDED,
    requestId,
  };
}

/** The context of one step of a day. */
export interface RunContext extends WorkContext {
  readonly merchantId: number;
  readonly day: BillDay;
  readonly staging: Staging;
  /** Stores the progress, in one transaction with the preceding writes to the staging. */
  readonly save: (run: Run) => void;
}

/** The outcome of a step. `ended`: the day is done or failed, or waits for the schedule. */
export type Step = { readonly kind: "continue"; readonly run: Run } | { readonly kind: "ended" };

export const ENDED: Step = { kind: "ended" };
