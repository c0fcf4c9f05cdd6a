import type { Context } from "hono";
import type { GatewayEnv } from "../env.ts";
import { isWithin } from "./rate-limit.ts";
import { log } from "../observability/log.ts";
import { count, type Door } from "../observability/metrics.ts";
import { callerNetwork } from "./caller-address.ts";

/** Time between the log lines of a flood, in ms. */
const FLOOD_LOG_INTERVAL_MS = 60_000;
/** Callers that an isolate tracks. */
const MAX_FLOODS = 1_000;

/** Messages not logged since the last line, by door and address. */
const floods = new Map<string, { loggedAt: number; suppressed: number }>();

/**
 * Counts a message whose sender couldn't be verified, after it was refused: a limit before the
 * verification would lock out others with the same address. Returns whether to log the message;
 * beyond the limit, one line per minute has the number of suppressed messages.
 */
export async function recordUnverified(
  c: Context<GatewayEnv>,
  door: Door,
  outcome: string,
): Promise<boolean> {
  count(c.env.METRICS, { kind: "unverified", door, outcome });
  const address = callerNetwork(c.req.raw);
  const key = `${door} ${address}`;
  if (await isWithin(c.env.UNVERIFIED_LIMIT, key)) return true;
  c.set("isNoise", true);
  const nowAt = Date.now();
  const flood = floods.get(key) ?? { loggedAt: Number.NEGATIVE_INFINITY, suppressed: 0 };
  flood.suppressed += 1;
  if (Math.abs(nowAt - flood.loggedAt) >= FLOOD_LOG_INTERVAL_MS) {
    log("warn", "unverified_flood", { door, address, suppressed: flood.suppressed });
    flood.loggedAt = nowAt;
    flood.suppressed = 0;
  }
  keep(key, flood);
  return false;
}

function keep(key: string, flood: { loggedAt: number; suppressed: number }): void {
  // Deleting and setting moves the entry to the end: the first one is the least recent.
  floods.delete(key);
  floods.set(key, flood);
  const [leastRecent] = floods.keys();
  if (floods.size > MAX_FLOODS && leastRecent !== undefined) floods.delete(leastRecent);
}
