import type { BillDay } from "../domain/bill/day.ts";
import type { TradeCursor } from "../db/day-trades.ts";
import { NO_TOTALS, type Totals } from "../db/reconciliations.ts";
import type { WorkContext } from "../settings/work-context.ts";
import type { Staging } from "./staging.ts";

/**
 * What is to be done next: have the bill; compare its lines with ours; look for our payments, then
 * our refunds, that it hasn't. Each may take several steps.
 */
export type Phase = "fetch" | "lines" | "payments" | "refunds";

/** How far a day has come. Stored with the staging, in one transaction. */
export interface Run {
  readonly merchantId: number;
  readonly day: string;
  readonly phase: Phase;
  /** The line compared last (`id`), or our trade looked for last. */
  readonly place: TradeCursor;
  /** When the bill was opened, Unix ms: what was traded later can't be in it. */
  readonly openedAt: number;
  readonly totals: Totals;
  /** The request that started the day; null when the schedule did. */
  readonly requestId: string | null;
}

/** A phase's beginning. */
export const FIRST: TradeCursor = { at: 0, id: 0 };

/** A day's beginning. */
export function newRun(merchantId: number, day: string, requestId: string | null): Run {
  return {
    merchantId,
    day,
    phase: "fetch",
    place: FIRST,
    openedAt: 0,
    totals: NO_TOTALS,
    requestId,
  };
}

/** What the flows of one day work with. */
export interface RunContext extends WorkContext {
  readonly merchantId: number;
  readonly day: BillDay;
  readonly staging: Staging;
  /** Stores how far the run has come, together with what was written to the staging just before. */
  readonly save: (run: Run) => void;
}

/** Where a step has led: there is more to do, or the day has ended, for now or for good. */
export type Step = { readonly kind: "goes on"; readonly run: Run } | { readonly kind: "ended" };

export const ENDED: Step = { kind: "ended" };
