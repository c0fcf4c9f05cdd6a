import { describe, log } from "./log.ts";

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
