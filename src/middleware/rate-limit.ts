import { waitUntil } from "cloudflare:workers";
import { describe, log } from "../observability/log.ts";

/**
 * Counts one request under this key; returns whether it is within the limit (wrangler.toml). The
 * counters are local to the Worker's location, so this costs no trip. A failing limiter limits
 * nothing: payments matter more.
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

/** How long this isolate refuses requests after a count over the limit, in ms. */
const REFUSAL_DURATION_MS = 1_000;

/** By limit and key: when the refusal ends. Contains only keys over their limit. */
const refusals = new WeakMap<RateLimit, Map<string, number>>();

/**
 * Like `isWithin`, but counts in the background, so that requests within the limit don't wait. The
 * requests after one over the limit are refused for a second, then counted again. For limits against
 * floods, where a few requests more do no harm.
 */
export function admits(limit: RateLimit, key: string, nowAt: number): boolean {
  const refusedUntil = refusalsOf(limit);
  const until = refusedUntil.get(key);
  if (until !== undefined && nowAt < until) return false;
  refusedUntil.delete(key);
  waitUntil(
    isWithin(limit, key).then((within) => {
      if (!within) refusedUntil.set(key, Date.now() + REFUSAL_DURATION_MS);
      return null;
    }),
  );
  return true;
}

function refusalsOf(limit: RateLimit): Map<string, number> {
  let ofLimit = refusals.get(limit);
  if (ofLimit === undefined) {
    ofLimit = new Map();
    refusals.set(limit, ofLimit);
  }
  return ofLimit;
}
