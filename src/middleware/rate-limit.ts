import { waitUntil } from "cloudflare:workers";
import { describe, log } from "../observability/log.ts";

/**
 * Counts one more under this key; returns whether it is within the limit (wrangler.toml). Counters
 * are kept near the Worker, so this costs no trip. A limiter that fails limits nothing: payments are
 * worth more than it.
 */
export async function isWithin(limit: RateLimit, key: string): Promise<boolean> {
  try {
    const { success } = await limit.limit({ key });
    return success;
  } catch (error) {
    log("warn", "limit_not_counted", { key, error: describe(error) });
    return true;
  }
}

/** How long a count that was over the limit stands in this isolate, in ms. */
const REFUSAL_MS = 1_000;

/** Until when the requests of a limit's keys are refused, by what the last count said: offenders only. */
const refusals = new WeakMap<RateLimit, Map<string, number>>();

/**
 * As `isWithin`, counted beside the work instead of before it, so that nobody honest waits: it is
 * the next requests that are refused, for a second, and then it is counted again. For limits that
 * guard against a flood, where a few more do no harm.
 */
export function admits(limit: RateLimit, key: string, nowAt: number): boolean {
  const refusedUntil = refusalsOf(limit);
  const until = refusedUntil.get(key);
  if (until !== undefined && nowAt < until) return false;
  refusedUntil.delete(key);
  waitUntil(
    isWithin(limit, key).then((within) => {
      if (!within) refusedUntil.set(key, Date.now() + REFUSAL_MS);
      return null;
    }),
  );
  return true;
}

function refusalsOf(limit: RateLimit): Map<string, number> {
  let known = refusals.get(limit);
  if (known === undefined) {
    known = new Map();
    refusals.set(limit, known);
  }
  return known;
}
