import { connect, type Database } from "../db/database.ts";
import { findCursor, saveCursor, type Cursor } from "../db/cursors.ts";
import type { Candidate, Page } from "../db/scans.ts";
import { describe, log } from "../observability/log.ts";
import type { JobContext } from "../settings/wechat-env.ts";
import { checkOrders, type CheckedOrder } from "./check-orders.ts";
import { SCANS, type Scan } from "./scans.ts";

/**
 * Orders that one run looks at, at most: each is a call to its object, and the platform allows
 * 10,000 of those and of D1's an invocation, which the schedule's other jobs share.
 */
export const MAX_CHECKS = 4_000;

const DAY = 24 * 60 * 60_000;

/**
 * The belt to the timers' braces: finds orders that ought to have a timer, and has their objects arm
 * what is missing. Goes on where the last run ended. A way that fails doesn't keep the others.
 */
export async function sweep(world: JobContext, most = MAX_CHECKS): Promise<void> {
  const db = connect(world.env.DB);
  const total = { looked: 0, armed: 0, raised: 0, woken: 0, failed: 0, more: false };
  for (const walk of SCANS) {
    try {
      const { looked, left } = await runScan(world, db, walk, most - total.looked);
      total.looked += looked.length;
      for (const { outcome } of looked) {
        if (outcome === "failed") total.failed += 1;
        else {
          total.armed += outcome.armed;
          total.raised += outcome.raised;
          total.woken += outcome.woken ? 1 : 0;
        }
      }
      total.more ||= left;
    } catch (error) {
      log("error", "sweep_failed", { walk: walk.name, error: describe(error) });
    }
  }
  // Whatever was missing should not have been: worth a chart.
  const trouble = total.armed + total.raised + total.failed > 0;
  if (total.looked > 0) log(trouble ? "warn" : "info", "sweep", total);
}

/** Goes a stretch further along one way. Returns what was looked at, and whether more is waiting. */
async function runScan(
  world: JobContext,
  db: Database,
  walk: Scan,
  most: number,
): Promise<{ readonly looked: readonly CheckedOrder[]; readonly left: boolean }> {
  if (most <= 0) return { looked: [], left: true };
  const nowAt = Date.now();
  const mark = walk.cursor === null ? null : await findCursor(db, walk.cursor);
  const from = beginning(walk, mark, nowAt);
  const before = nowAt - walk.ageMs(world.config);
  const stretch = await walk.list(db, { from, before, limit: most });
  const looked = await checkOrders(world.env, numbersOf(stretch.candidates));
  const left = stretch.candidates.length === most;
  if (walk.cursor !== null)
    await saveCursor(db, walk.cursor, end(stretch, looked, from, left), nowAt);
  return { looked, left };
}

function beginning(walk: Scan, mark: Cursor | null, nowAt: number): number {
  if (mark === null) return 0;
  const another = Math.floor(mark.updatedAt / DAY) !== Math.floor(nowAt / DAY);
  return walk.daily && another ? 0 : mark.value;
}

/** Where the next run begins. */
function end(
  { candidates, end: whole }: Page,
  looked: readonly CheckedOrder[],
  from: number,
  left: boolean,
): number {
  const last = candidates.at(-1);
  // The last one is looked at again, for others may stand at the same place; but the way goes on,
  // and past those that failed: they must not keep a whole run's worth behind them.
  if (left && last !== undefined) return Math.max(last.at, from + 1);
  const failed = new Set(looked.filter(({ outcome }) => outcome === "failed").map(numberOf));
  return candidates.find(({ number }) => failed.has(number))?.at ?? Math.max(whole, from);
}

function numbersOf(candidates: readonly Candidate[]): string[] {
  return [...new Set(candidates.map(numberOf))];
}

function numberOf({ number }: { readonly number: string }): string {
  return number;
}
