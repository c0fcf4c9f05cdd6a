import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DELIVERY_CALLS, MAX_WAIT_MS, nextDelay } from "../../../src/contract/callback/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const attempts = Array.from({ length: 15 }, (_, index) => index + 1);

describe("nextDelay", () => {
  test("follows the documented schedule, then ends", () => {
    expect(attempts.map((attempt) => nextDelay(attempt, 0, null))).toEqual([
      15_000,
      15_000,
      30_000,
      3 * MINUTE,
      10 * MINUTE,
      20 * MINUTE,
      30 * MINUTE,
      30 * MINUTE,
      30 * MINUTE,
      60 * MINUTE,
      3 * HOUR,
      3 * HOUR,
      3 * HOUR,
      6 * HOUR,
      6 * HOUR,
    ]);
    expect(nextDelay(16, 0, null)).toBeNull();
    expect(nextDelay(16, 0, HOUR)).toBeNull();
    expect(nextDelay(99, 0, null)).toBeNull();
    expect(DELIVERY_CALLS).toBe(16);
  });

  test("adds up to a tenth of jitter, never subtracts", () => {
    expect(nextDelay(1, 0.5, null)).toBe(15_750);
    fc.assert(
      fc.property(
        fc.constantFrom(...attempts),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, jitter) => {
          const base = nextDelay(attempt, 0, null) ?? 0;
          const delay = nextDelay(attempt, jitter, null) ?? 0;
          expect(Number.isInteger(delay)).toBe(true);
          expect(delay).toBeGreaterThanOrEqual(base);
          expect(delay).toBeLessThanOrEqual(base * 1.1);
        },
      ),
    );
  });

  test("respects a later Retry-After, up to six hours", () => {
    expect(nextDelay(1, 0, 14_999)).toBe(15_000);
    expect(nextDelay(1, 0, 60_000)).toBe(60_000);
    expect(nextDelay(1, 0, 6 * HOUR)).toBe(6 * HOUR);
    expect(nextDelay(1, 0, 6 * HOUR + 1)).toBe(6 * HOUR);
    expect(nextDelay(1, 0, Infinity)).toBe(6 * HOUR);
    expect(nextDelay(15, 0.5, 9 * HOUR)).toBe(6.3 * HOUR);
  });

  test("never exceeds MAX_WAIT_MS, whatever the app's Retry-After", () => {
    const waits = attempts.map((attempt) => nextDelay(attempt, 1, Infinity) ?? 0);
    expect(MAX_WAIT_MS).toBe(Math.max(...waits));
  });
});
