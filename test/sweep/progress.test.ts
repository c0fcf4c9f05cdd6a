import { describe, expect, test } from "vitest";
import type { Page, ScanWindow } from "../../src/db/scan-page.ts";
import { progressAfter, type Visited } from "../../src/sweep/progress.ts";

/** A visited row of an app that has `found` rows. */
function row(appId: number, at: number, found = 1, failed = false): Visited {
  return { appId, at, id: at * 10, number: `n${at}`, found, failed };
}

function progress(
  visited: readonly Visited[],
  window: Partial<ScanWindow> = {},
  page: Partial<Page> = {},
) {
  return progressAfter({ candidates: visited, end: 100, stops: [], ...page }, visited, {
    from: 1,
    behind: [],
    before: 100,
    limit: 4,
    ...window,
  });
}

describe("progressAfter", () => {
  test("continues at the list's end when every app's rows fitted", () => {
    expect(progress([row(1, 7), row(2, 8)])).toEqual({ from: 100, behind: [] });
    expect(progress([])).toEqual({ from: 100, behind: [] });
    expect(progress([], { from: 300 })).toEqual({ from: 300, behind: [] });
  });

  test("continues after the last visited row for the app that had more", () => {
    expect(progress([row(1, 3, 5), row(2, 4), row(1, 5, 5), row(1, 6, 5)])).toEqual({
      from: 100,
      behind: [{ appId: 1, at: 6, id: 60 }],
    });
  });

  test("ends an app's delay once its rows have all been visited", () => {
    const behind = [{ appId: 1, at: 6, id: 60 }];
    expect(progress([row(1, 8), row(2, 9)], { behind })).toEqual({ from: 100, behind: [] });
    expect(progress([row(2, 9)], { behind })).toEqual({ from: 100, behind: [] });
  });

  test("keeps the place of an app behind at which the page stopped reading", () => {
    const stop = { appId: 1, at: 50, id: 0 };
    const behind = [{ appId: 1, at: 6, id: 60 }];
    expect(progress([], { behind }, { stops: [stop] })).toEqual({ from: 100, behind: [stop] });
    expect(progress([row(1, 8)], { behind }, { stops: [stop] }).behind).toEqual([stop]);
    expect(progress([row(1, 8, 9)], { behind }, { stops: [stop] }).behind).toEqual([
      { appId: 1, at: 8, id: 80 },
    ]);
  });

  test("visits an order again that couldn't be checked, unless more of its app's are waiting", () => {
    expect(progress([row(1, 3, 2, true), row(2, 4), row(1, 5, 2)])).toEqual({
      from: 100,
      behind: [{ appId: 1, at: 3, id: 29 }],
    });
    expect(progress([row(1, 3, 3, true), row(1, 5, 3)]).behind).toEqual([
      { appId: 1, at: 5, id: 50 },
    ]);
  });

  test("passes over no app when more apps than places have rows", () => {
    const behind = [{ appId: 9, at: 2, id: 20 }];
    const visited = [row(1, 3, 2), row(2, 4), row(3, 5), row(4, 6)];
    expect(progress(visited, { behind })).toEqual({
      from: 6,
      behind: [
        { appId: 9, at: 2, id: 20 },
        { appId: 1, at: 3, id: 30 },
        { appId: 2, at: 4, id: 40 },
        { appId: 3, at: 5, id: 50 },
        { appId: 4, at: 6, id: 60 },
      ],
    });
  });
});
