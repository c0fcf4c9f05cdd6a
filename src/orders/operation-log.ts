import type { Result } from "../lib/result.ts";
import type { Refusal } from "../contract/refusal.ts";
import { log } from "../observability/log.ts";
import type { RequestMeter } from "../observability/request-meter.ts";

/** What an operation of an order's object may come to. */
export type Outcome = string | null | { readonly kind: string } | Result<object, Refusal>;

/** A line in the log on work of an order's object that is over, and what it has cost. */
export function logOperation(
  meter: RequestMeter,
  work: {
    readonly operation: string;
    readonly order: string | undefined;
    readonly outcome: string;
    readonly startedAt: number;
    /** The kinds of the timers that an alarm has run. */
    readonly timers?: string;
  },
): void {
  const { startedAt, ...facts } = work;
  const { requestId, usage } = meter;
  const tookMs = Date.now() - startedAt;
  log("info", "order_work", { requestId, ...facts, tookMs, ...usage });
}

/** An outcome in a word. */
export function outcomeLabel(outcome: Outcome): string {
  if (outcome === null) return "none";
  if (typeof outcome === "string") return outcome;
  if ("kind" in outcome) return outcome.kind;
  return outcome.ok ? "ok" : `refused ${outcome.error.code}`;
}
