import type { Context } from "hono";
import type { GatewayEnv } from "../env.ts";
import { isWithin } from "./rate-limit.ts";
import { log } from "../observability/log.ts";
import { count, type Door } from "../observability/metrics.ts";
import { callerAddress } from "./caller-address.ts";

/** How often a flood gets a line, in ms. */
const FLOOD_LOG_INTERVAL_MS = 60_000;
/** Callers that an isolate keeps an account of. */
const MAX_FLOODS = 1_000;

/** What isn't logged one by one, since the last line, by door and address. */
const floods = new Map<string, { loggedAt: number; suppressed: number }>();

/**
 * Takes note of a message whose sender couldn't be verified, after it was refused: a limit in front
 * of the verification would lock out whoever shares the address. Returns whether it is worth a line
 * in the log; of those beyond the limit one line a minute tells the number.
 */
export async function recordUnverified(
  c: Context<GatewayEnv>,
  door: Door,
  outcome: string,
): Promise<boolean> {
  count(c.env.METRICS, { kind: "unverified", door, outcome });
  const address = callerAddress(c.req.raw);
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
  // Set anew, an entry moves to the end: the first is the one that was quiet longest.
  floods.delete(key);
  floods.set(key, flood);
  const [quietest] = floods.keys();
  if (floods.size > MAX_FLOODS && quietest !== undefined) floods.delete(quietest);
}
