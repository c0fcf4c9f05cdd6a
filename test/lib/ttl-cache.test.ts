import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { err, ok, type Result } from "../../src/lib/result.ts";
import {
  SHARED_LOAD_TIMEOUT_MS,
  MAX_AGE_MS,
  MAX_ENTRIES,
  TtlCache,
} from "../../src/lib/ttl-cache.ts";

const NOW = 1_790_000_000_000;

let cache: TtlCache<string, "absent">;
let loads: number;

beforeEach(() => {
  cache = new TtlCache();
  loads = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const found = async (): Promise<Result<string, "absent">> => {
  loads++;
  return ok(`load ${loads}`);
};
const outage = async () => await Promise.reject(new Error("D1 is down"));
const read = async (key: string, nowAt: number, load = found) => await cache.get(key, nowAt, load);

describe("what was found", () => {
  test("is kept for 60 s from its load, however often it is read", async () => {
    for (const age of [0, 1, 30_000, MAX_AGE_MS - 1]) {
      expect(await read("a", NOW + age)).toEqual(ok("load 1"));
    }
    expect(await read("a", NOW + MAX_AGE_MS)).toEqual(ok("load 2"));
    expect(MAX_AGE_MS).toBe(60_000);
  });

  test("is not kept longer by a clock set back", async () => {
    await read("a", NOW);
    expect(await read("a", NOW - MAX_AGE_MS)).toEqual(ok("load 2"));
  });

  test("is kept by key", async () => {
    await read("a", NOW);
    expect(await read("b", NOW)).toEqual(ok("load 2"));
  });

  test("makes room for newer ones at the limit", async () => {
    for (let key = 0; key <= MAX_ENTRIES; key++) await read(String(key), NOW);
    expect(loads).toBe(MAX_ENTRIES + 1);
    await read("1", NOW);
    await read(String(MAX_ENTRIES), NOW);
    expect(loads).toBe(MAX_ENTRIES + 1);
    await read("0", NOW);
    expect(loads).toBe(MAX_ENTRIES + 2);
  });

  test("is forgotten when cleared", async () => {
    await read("a", NOW);
    cache.clear();
    expect(await read("a", NOW)).toEqual(ok("load 2"));
  });
});

describe("what was not found", () => {
  test("is looked for again", async () => {
    expect(await read("a", NOW, async () => err("absent"))).toEqual(err("absent"));
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("because the load failed, is looked for again", async () => {
    await expect(read("a", NOW, outage)).rejects.toThrow("D1 is down");
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });
});

describe("a load under way", () => {
  test("is shared by all who ask for its key", async () => {
    const { promise, resolve } = Promise.withResolvers<Result<string, "absent">>();
    const slow = async () => {
      loads++;
      return await promise;
    };
    const readers = Array.from({ length: 20 }, async () => await read("a", NOW, slow));
    const other = read("b", NOW);
    resolve(ok("slow"));
    expect(new Set(await Promise.all(readers))).toEqual(new Set([ok("slow")]));
    await other;
    expect(loads).toBe(2);
  });

  test("that fails, fails for all, and the next reader tries anew", async () => {
    const { promise, reject } = Promise.withResolvers<Result<string, "absent">>();
    const readers = Array.from({ length: 3 }, async () => await read("a", NOW, () => promise));
    reject(new Error("D1 is down"));
    const outcomes = await Promise.allSettled(readers);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("that never ends holds the next reader for a second only", async () => {
    vi.useFakeTimers();
    void read("a", NOW, () => new Promise(() => undefined));
    const reader = read("a", NOW);
    await vi.advanceTimersByTimeAsync(SHARED_LOAD_TIMEOUT_MS - 1);
    expect(loads).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reader).toEqual(ok("load 1"));
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("when the cache is cleared is answered but not kept: it may have read the old row", async () => {
    const { promise, resolve } = Promise.withResolvers<Result<string, "absent">>();
    const reader = read("a", NOW, () => promise);
    cache.clear();
    const later = read("a", NOW);
    resolve(ok("old"));
    expect(await reader).toEqual(ok("old"));
    expect(await later).toEqual(ok("load 1"));
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });
});
