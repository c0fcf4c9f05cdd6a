import { findCursor, saveCursor, type Cursor } from "../db/cursors.ts";
import type { Candidate, ScanWindow } from "../db/scan-page.ts";
import { describe, log } from "../observability/log.ts";
import type { WorkContext } from "../settings/work-context.ts";
import { checkOrders, type CheckedOrder } from "./check-orders.ts";
import { progressAfter } from "./progress.ts";
import { SCANS, type Scan } from "./scans.ts";

const DAY_MS = 24 * 60 * 60_000;

/**
 * Backstop for lost timers: finds orders that should have a timer, and makes their objects arm the
 * missing ones. Continues where the last run stopped. A scan that fails doesn't stop the others.
 *
 * Each checked order is a call to its object, and the platform allows 10,000 calls to objects and D1
 * per invocation, shared with the other scheduled jobs: the scans' shares are 4,000 in all.
 */
export async function sweep(work: WorkContext, scans = SCANS): Promise<void> {
  const total = { checked: 0, armed: 0, incidents: 0, woken: 0, failed: 0, more: false };
  let limit = 0;
  for (const scan of scans) {
    limit += scan.share;
    try {
      const { checked, more } = await runScan(work, scan, limit);
      limit -= checked.length;
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
      // Whatever it has checked, the others keep their shares.
      limit = 0;
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
  const cursor = await findCursor(db, scan.name);
  const window: ScanWindow = {
    from: startOf(scan, cursor, nowAt),
    behind: cursor?.behind ?? [],
    before: nowAt - scan.ageMs(config),
    limit,
  };
  const page = await scan.list(db, window);
  const checked = await checkOrders(env, numbersOf(page.candidates));
  const failed = new Set(checked.filter(({ outcome }) => outcome === "failed").map(numberOf));
  const visited = page.candidates.map((candidate) => ({
    ...candidate,
    // A scan that always restarts visits it again anyway, and must not stay at its place.
    failed: scan.restarts !== "always" && failed.has(candidate.number),
  }));
  const { from, behind } = progressAfter(page, visited, window);
  await saveCursor(db, scan.name, from, nowAt, behind);
  return { checked, more: behind.length > 0 };
}

function startOf(scan: Scan, cursor: Cursor | null, nowAt: number): number {
  if (cursor === null) return 0;
  switch (scan.restarts) {
    case "never":
      return cursor.value;
    case "daily":
      return Math.floor(cursor.updatedAt / DAY_MS) === Math.floor(nowAt / DAY_MS)
        ? cursor.value
        : 0;
    case "always":
      return 0;
  }
}

function numbersOf(candidates: readonly Candidate[]): string[] {
  return [...new Set(candidates.map(numberOf))];
}

function numberOf({ number }: { readonly number: string }): string {
  return number;
}
