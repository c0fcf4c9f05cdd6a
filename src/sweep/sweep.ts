import { connect, type Database } from "../db/database.ts";
import { findMark, saveMark, type Mark } from "../db/marks.ts";
import type { Candidate, Stretch } from "../db/sweep-list.ts";
import { describe, log } from "../log.ts";
import type { World } from "../surroundings.ts";
import { look, type Looked } from "./look.ts";
import { WALKS, type Walk } from "./walks.ts";

/**
 * Orders that one run looks at, at most: each is a call to its object, and the platform allows
 * 10,000 of those and of D1's an invocation, which the schedule's other jobs share.
 */
export const LOOKS_MOST = 4_000;

const DAY = 24 * 60 * 60_000;

/**
 * The belt to the timers' braces: finds orders that ought to have a timer, and has their objects arm
 * what is missing. Goes on where the last run ended. A way that fails doesn't keep the others.
 */
export async function sweep(world: World, most = LOOKS_MOST): Promise<void> {
  const db = connect(world.env.DB);
  const total = { looked: 0, armed: 0, raised: 0, woken: 0, failed: 0, more: false };
  for (const walk of WALKS) {
    try {
      const { looked, left } = await goOn(world, db, walk, most - total.looked);
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
async function goOn(
  world: World,
  db: Database,
  walk: Walk,
  most: number,
): Promise<{ readonly looked: readonly Looked[]; readonly left: boolean }> {
  if (most <= 0) return { looked: [], left: true };
  const nowAt = Date.now();
  const mark = walk.mark === null ? null : await findMark(db, walk.mark);
  const from = beginning(walk, mark, nowAt);
  const before = nowAt - walk.ageMs(world.config);
  const stretch = await walk.list(db, { from, before, most });
  const looked = await look(world.env, numbersOf(stretch.candidates));
  const left = stretch.candidates.length === most;
  if (walk.mark !== null) await saveMark(db, walk.mark, end(stretch, looked, from, left), nowAt);
  return { looked, left };
}

function beginning(walk: Walk, mark: Mark | null, nowAt: number): number {
  if (mark === null) return 0;
  const another = Math.floor(mark.updatedAt / DAY) !== Math.floor(nowAt / DAY);
  return walk.daily && another ? 0 : mark.value;
}

/** Where the next run begins. */
function end(
  { candidates, end: whole }: Stretch,
  looked: readonly Looked[],
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
