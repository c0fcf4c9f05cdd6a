import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLongUnknown, nextPaymentPollAt, nextRefundPollDelay } from "../../src/domain/polling.ts";

const MINUTE = 60_000;
const CREATED = 1_790_000_000_000;
const order = { createdAt: CREATED, expiresAt: CREATED + 120 * MINUTE };

/** The minutes after its creation at which an order is polled, when no alarm is late. */
function pollMinutes(expiresAfterMs: number, count: number): number[] {
  const shortOrder = { createdAt: CREATED, expiresAt: CREATED + expiresAfterMs };
  const minutes: number[] = [];
  let nowAt = CREATED;
  for (let polls = 0; polls < count; polls += 1) {
    nowAt = nextPaymentPollAt(shortOrder, polls, nowAt);
    minutes.push((nowAt - CREATED) / MINUTE);
  }
  return minutes;
}

describe("nextPaymentPollAt", () => {
  test("polls after 1, 5 and 30 minutes, at the expiry, then at growing intervals", () => {
    expect(pollMinutes(120 * MINUTE, 10)).toEqual([1, 5, 30, 120, 121, 126, 136, 166, 226, 286]);
  });

  test("skips polls that a short order would reach after its expiry", () => {
    expect(pollMinutes(5 * MINUTE, 4)).toEqual([1, 5, 6, 11]);
    expect(pollMinutes(10 * MINUTE, 4)).toEqual([1, 5, 10, 11]);
  });

  test("waits a minute after a late alarm instead of polling twice at once", () => {
    const lateAt = CREATED + 40 * MINUTE;
    expect(nextPaymentPollAt(order, 1, lateAt)).toBe(lateAt + MINUTE);
    expect(nextPaymentPollAt(order, 2, lateAt)).toBe(lateAt + MINUTE);
    expect(nextPaymentPollAt(order, 3, lateAt)).toBe(order.expiresAt);
  });

  test("is always in the future, and no later than the expiry before it", () => {
    const times = fc.record({
      life: fc.integer({ min: 5 * MINUTE, max: 7 * 24 * 60 * MINUTE }),
      polls: fc.integer({ min: 1, max: 40 }),
      elapsed: fc.integer({ min: 0, max: 8 * 24 * 60 * MINUTE }),
    });
    fc.assert(
      fc.property(times, ({ life, polls, elapsed }) => {
        const shortOrder = { createdAt: CREATED, expiresAt: CREATED + life };
        const nowAt = CREATED + elapsed;
        const nextAt = nextPaymentPollAt(shortOrder, polls, nowAt);
        expect(nextAt).toBeGreaterThan(nowAt);
        if (nowAt < shortOrder.expiresAt) expect(nextAt).toBeLessThanOrEqual(shortOrder.expiresAt);
        else expect(nextAt - nowAt).toBeLessThanOrEqual(60 * MINUTE);
      }),
      { numRuns: 500 },
    );
  });

  test("is never later for an earlier clock", () => {
    const times = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 300 }), fc.nat({ max: 300 }));
    fc.assert(
      fc.property(times, ([polls, a, b]) => {
        const [early, late] = [Math.min(a, b), Math.max(a, b)];
        expect(nextPaymentPollAt(order, polls, CREATED + early * MINUTE)).toBeLessThanOrEqual(
          nextPaymentPollAt(order, polls, CREATED + late * MINUTE),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("nextRefundPollDelay", () => {
  test("grows from 15 seconds to a day", () => {
    const delays = Array.from({ length: 30 }, (_, polls) => nextRefundPollDelay(polls));
    expect(delays[0]).toBe(15_000);
    expect(delays.at(-1)).toBe(24 * 60 * MINUTE);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  });

  test("is the first delay for a negative count", () => {
    expect(nextRefundPollDelay(-1)).toBe(15_000);
  });
});

describe("isLongUnknown", () => {
  const longOrder = { createdAt: 0, expiresAt: 120 * MINUTE };

  test("is true an hour after the expiry, if polls continued", () => {
    expect(isLongUnknown(longOrder, 9, 180 * MINUTE)).toBe(true);
    expect(isLongUnknown(longOrder, 9, 180 * MINUTE - 1)).toBe(false);
    expect(isLongUnknown(longOrder, 8, 500 * MINUTE)).toBe(false);
  });

  test("is false before the polls that follow the expiry, however short the order's life", () => {
    const short = { createdAt: 0, expiresAt: 5 * MINUTE };
    expect(isLongUnknown(short, 7, 500 * MINUTE)).toBe(true);
    expect(isLongUnknown(short, 6, 500 * MINUTE)).toBe(false);
  });
});
