import type { Refusal } from "../contract/refusal.ts";
import type { Result } from "../lib/result.ts";
import { log } from "../observability/log.ts";
import type { RequestMeter } from "../observability/request-meter.ts";

/** The outcomes of the operations of an order's object. */
export type Outcome = string | null | { readonly kind: string } | Result<object, Refusal>;

/** Logs a finished operation of an order's object and its usage. */
export function logOperation(
  { requestId, usage }: RequestMeter,
  operation: {
    readonly operation: string;
    readonly order: string | undefined;
    readonly outcome: string;
    readonly startedAt: number;
    /** The kinds of the timers that an alarm has run. */
    readonly timers?: string;
  },
): void {
  const { startedAt, ...facts } = operation;
  const tookMs = Date.now() - startedAt;
  log("info", "order_operation", { requestId, ...facts, tookMs, ...usage });
}

/** An outcome as one word for the log. */
export function outcomeLabel(outcome: Outcome): string {
  if (outcome === null) return "none";
  if (typeof outcome === "string") return outcome;
  if ("kind" in outcome) return outcome.kind;
  return outcome.ok ? "ok" : `refused ${outcome.error.code}`;
}
