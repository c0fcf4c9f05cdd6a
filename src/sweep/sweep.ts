import { findCursor, saveCursor, type Cursor } from "../db/cursors.ts";
import type { Candidate, Page } from "../db/scans.ts";
import { describe, log } from "../observability/log.ts";
import type { WorkContext } from "../settings/work-context.ts";
import { checkOrders, type CheckedOrder } from "./check-orders.ts";
import { SCANS, type Scan } from "./scans.ts";

/**
 * Orders that one run checks at most. Each is a call to its object, and the platform allows 10,000
 * calls to objects and D1 per invocation, shared with the other scheduled jobs.
 */
export const MAX_CHECKS = 4_000;

const DAY_MS = 24 * 60 * 60_000;

/**
 * Backstop for lost timers: finds orders that should have a timer, and makes their objects arm the
 * missing ones. Continues where the last run stopped. A scan that fails doesn't stop the others.
 */
export async function sweep(work: WorkContext, maxChecks = MAX_CHECKS): Promise<void> {
  const total = { checked: 0, armed: 0, incidents: 0, woken: 0, failed: 0, more: false };
  for (const scan of SCANS) {
    try {
      const { checked, more } = await runScan(work, scan, maxChecks - total.checked);
      total.checked += checked.length;
      for (const { outcome } of checked) {
        if (outcome === "failed") total.failed += 1;
        else {
          total.armed += outcome.armed;
          total.incidents += outcome.incidents;
          total.woken += outcome.woken ? 1 : 0;
        }
      }
      total.more ||= more;
    } catch (error) {
      log("error", "sweep_failed", { scan: scan.name, error: describe(error) });
    }
  }
  // Nothing should have been missing: worth an alert.
  const trouble = total.armed + total.incidents + total.failed > 0;
  if (total.checked > 0) log(trouble ? "warn" : "info", "sweep", total);
}

/** Reads the next page of one scan. Returns the checked orders, and whether more are waiting. */
async function runScan(
  { env, config, db }: WorkContext,
  scan: Scan,
  limit: number,
): Promise<{ readonly checked: readonly CheckedOrder[]; readonly more: boolean }> {
  if (limit <= 0) return { checked: [], more: true };
  const nowAt = Date.now();
  const cursor = scan.cursor === null ? null : await findCursor(db, scan.cursor);
  const from = startOf(scan, cursor, nowAt);
  const before = nowAt - scan.ageMs(config);
  const page = await scan.list(db, { from, before, limit });
  const checked = await checkOrders(env, numbersOf(page.candidates));
  const more = page.candidates.length === limit;
  if (scan.cursor !== null) {
    await saveCursor(db, scan.cursor, nextStart(page, checked, from, more), nowAt);
  }
  return { checked, more };
}

function startOf(scan: Scan, cursor: Cursor | null, nowAt: number): number {
  if (cursor === null) return 0;
  const isNewDay = Math.floor(cursor.updatedAt / DAY_MS) !== Math.floor(nowAt / DAY_MS);
  return scan.daily && isNewDay ? 0 : cursor.value;
}

/** Where the next run starts. */
function nextStart(
  { candidates, end }: Page,
  checked: readonly CheckedOrder[],
  from: number,
  more: boolean,
): number {
  const last = candidates.at(-1);
  // Checks the last one again, since others may share its position. The scan always advances, even
  // past failed orders, which must not block those behind them.
  if (more && last !== undefined) return Math.max(last.at, from + 1);
  const failed = new Set(checked.filter(({ outcome }) => outcome === "failed").map(numberOf));
  return candidates.find(({ number }) => failed.has(number))?.at ?? Math.max(end, from);
}

function numbersOf(candidates: readonly Candidate[]): string[] {
  return [...new Set(candidates.map(numberOf))];
}

function numberOf({ number }: { readonly number: string }): string {
  return number;
}
