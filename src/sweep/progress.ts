import type { Candidate, Page, ScanWindow } from "../db/scan-page.ts";
import type { AppPosition } from "../db/schema.ts";

/** Where a scan continues. */
export interface Progress {
  /** First `at`, inclusive, for an app that isn't behind. */
  readonly from: number;
  readonly behind: readonly AppPosition[];
}

/** A candidate, and whether its order could be checked. */
export type Visited = Candidate & { readonly failed: boolean };

/**
 * Where the next page starts: behind what was read, and for an app that had more than its part of
 * the page, after the last of it that was visited. An order that couldn't be checked is visited
 * again, unless more of its app's are waiting, which it must not block.
 */
export function progressAfter(
  page: Page,
  visited: readonly Visited[],
  { from, behind, limit }: ScanWindow,
): Progress {
  const byApp = Map.groupBy(visited, ({ appId }) => appId);
  const last = visited.at(-1);
  // Full after the first candidates of some apps: those of others come after the last one.
  const cutAt = visited.length === limit && byApp.size === limit ? last?.at : undefined;
  const next = new Map(page.stops.map((stop) => [stop.appId, stop]));
  for (const place of cutAt === undefined ? [] : behind) next.set(place.appId, place);
  for (const [appId, own] of byApp) {
    const place = cutAt === undefined ? placeAfter(own) : own.at(-1);
    if (place !== undefined) next.set(appId, { appId, at: place.at, id: place.id });
  }
  return { from: Math.max(cutAt ?? page.end, from), behind: [...next.values()] };
}

/** Where an app's rows continue; undefined when the page had all of them and each was checked. */
function placeAfter(own: readonly Visited[]): Pick<Visited, "at" | "id"> | undefined {
  const last = own.at(-1);
  if (last !== undefined && last.found > own.length) return last;
  const failed = own.find((visited) => visited.failed);
  return failed === undefined ? undefined : { at: failed.at, id: failed.id - 1 };
}
