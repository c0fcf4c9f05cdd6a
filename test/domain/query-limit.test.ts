import { describe, expect, test } from "vitest";
import { countQuery, isExhausted, type QueryCount } from "../../src/domain/query-limit.ts";

const LIMIT = { perMinute: 5, perShare: 3 };
const MINUTE = 60_000;
const NOW = 30_000_000 * MINUTE;

/** How many of these queries may be made, and the count afterwards. */
function countAll(shares: readonly (string | null)[], nowAt: number, before: QueryCount | null) {
  let count = before;
  let made = 0;
  for (const share of shares) {
    const next = countQuery(count, LIMIT, share, nowAt);
    if (next === null) continue;
    count = next;
    made += 1;
  }
  return { made, count };
}

const many = (share: string | null) => Array.from({ length: 10 }, () => share);

describe("countQuery", () => {
  test("stops a share at its limit and all of them at the minute's", () => {
    const first = countAll(many("a"), NOW, null);
    expect(first.made).toBe(3);
    const second = countAll(many("b"), NOW, first.count);
    expect(second.made).toBe(2);
    expect(countAll([...many("c"), ...many(null)], NOW, second.count).made).toBe(0);
  });

  test("stops queries without a share at the minute's limit only", () => {
    expect(countAll(many(null), NOW, null).made).toBe(5);
  });

  test.for([
    ["the next minute begins", NOW + MINUTE],
    ["the clock is set back", NOW - 7 * MINUTE],
  ] as const)("starts again when %s", ([, nowAt]) => {
    const { count } = countAll(many("a"), NOW, null);
    expect(countAll(many("a"), NOW + MINUTE - 1, count).made).toBe(0);
    expect(countAll(many("a"), nowAt, count).made).toBe(3);
  });

  test("counts a share whose name is a property of every object", () => {
    expect(countAll(many("__proto__"), NOW, null).made).toBe(3);
    expect(countAll(many("constructor"), NOW, null).made).toBe(3);
  });
});

test("isExhausted is true from the minute's last query to its end", () => {
  const { count } = countAll(many(null).slice(0, 4), NOW, null);
  expect(isExhausted(count, LIMIT, NOW)).toBe(false);
  const last = countQuery(count, LIMIT, null, NOW);
  expect(isExhausted(last, LIMIT, NOW + MINUTE - 1)).toBe(true);
  expect(isExhausted(last, LIMIT, NOW + MINUTE)).toBe(false);
  expect(isExhausted(null, LIMIT, NOW)).toBe(false);
});
