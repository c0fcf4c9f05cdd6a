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

describe("TtlCache, a found value", () => {
  test("is cached for 60 s after its load, however often it is read", async () => {
    for (const age of [0, 1, 30_000, MAX_AGE_MS - 1]) {
      expect(await read("a", NOW + age)).toEqual(ok("load 1"));
    }
    expect(await read("a", NOW + MAX_AGE_MS)).toEqual(ok("load 2"));
    expect(MAX_AGE_MS).toBe(60_000);
  });

  test("is reloaded after a clock was set back", async () => {
    await read("a", NOW);
    expect(await read("a", NOW - MAX_AGE_MS)).toEqual(ok("load 2"));
  });

  test("is cached per key", async () => {
    await read("a", NOW);
    expect(await read("b", NOW)).toEqual(ok("load 2"));
  });

  test("is evicted, the oldest first, at the limit", async () => {
    for (let key = 0; key <= MAX_ENTRIES; key++) await read(String(key), NOW);
    expect(loads).toBe(MAX_ENTRIES + 1);
    await read("1", NOW);
    await read(String(MAX_ENTRIES), NOW);
    expect(loads).toBe(MAX_ENTRIES + 1);
    await read("0", NOW);
    expect(loads).toBe(MAX_ENTRIES + 2);
  });

  test("is reloaded after clear", async () => {
    await read("a", NOW);
    cache.clear();
    expect(await read("a", NOW)).toEqual(ok("load 2"));
  });
});

describe("TtlCache, no value", () => {
  test("isn't cached when absent", async () => {
    expect(await read("a", NOW, async () => err("absent"))).toEqual(err("absent"));
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("isn't cached when the load throws", async () => {
    await expect(read("a", NOW, outage)).rejects.toThrow("D1 is down");
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });
});

describe("TtlCache, a load in progress", () => {
  test("is shared by all readers of its key", async () => {
    const { promise, resolve } = Promise.withResolvers<Result<string, "absent">>();
    const slow = async () => {
      loads++;
      return await promise;
    };
    const readers = Array.from({ length: 20 }, async () => await read("a", NOW, slow));
    const otherKey = read("b", NOW);
    resolve(ok("slow"));
    expect(new Set(await Promise.all(readers))).toEqual(new Set([ok("slow")]));
    await otherKey;
    expect(loads).toBe(2);
  });

  test("throws for all its readers, and the next reader loads again", async () => {
    const { promise, reject } = Promise.withResolvers<Result<string, "absent">>();
    const readers = Array.from({ length: 3 }, async () => await read("a", NOW, () => promise));
    reject(new Error("D1 is down"));
    const outcomes = await Promise.allSettled(readers);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("that never ends delays the next reader by a second only", async () => {
    vi.useFakeTimers();
    void read("a", NOW, () => new Promise(() => undefined));
    const reader = read("a", NOW);
    await vi.advanceTimersByTimeAsync(SHARED_LOAD_TIMEOUT_MS - 1);
    expect(loads).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await reader).toEqual(ok("load 1"));
    expect(await read("a", NOW)).toEqual(ok("load 1"));
  });

  test("isn't cached after clear: it may have read the old row", async () => {
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
