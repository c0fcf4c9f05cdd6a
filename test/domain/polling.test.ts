import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLongUnknown, nextPaymentPollAt, nextRefundPollDelay } from "../../src/domain/polling.ts";

const MINUTE = 60_000;
const CREATED = 1_790_000_000_000;
const order = { createdAt: CREATED, expiresAt: CREATED + 120 * MINUTE };

/** The minutes after its making at which an order is asked about, when no alarm is late. */
function asks(expiresAfterMs: number, count: number): number[] {
  const brief = { createdAt: CREATED, expiresAt: CREATED + expiresAfterMs };
  const minutes: number[] = [];
  let nowAt = CREATED;
  for (let asked = 0; asked < count; asked += 1) {
    nowAt = nextPaymentPollAt(brief, asked, nowAt);
    minutes.push((nowAt - CREATED) / MINUTE);
  }
  return minutes;
}

describe("a waiting order", () => {
  test("is asked about after 1, 5 and 30 minutes, at its expiry, then ever more seldom", () => {
    expect(asks(120 * MINUTE, 10)).toEqual([1, 5, 30, 120, 121, 126, 136, 166, 226, 286]);
  });

  test("with a short life is not asked about beyond it", () => {
    expect(asks(5 * MINUTE, 4)).toEqual([1, 5, 6, 11]);
    expect(asks(10 * MINUTE, 4)).toEqual([1, 5, 10, 11]);
  });

  test("whose alarm was late is not asked about twice at once", () => {
    const lateAt = CREATED + 40 * MINUTE;
    expect(nextPaymentPollAt(order, 1, lateAt)).toBe(lateAt + MINUTE);
    expect(nextPaymentPollAt(order, 2, lateAt)).toBe(lateAt + MINUTE);
    expect(nextPaymentPollAt(order, 3, lateAt)).toBe(order.expiresAt);
  });

  test("is always asked about again later than now, and at its expiry at the latest before that", () => {
    const times = fc.record({
      life: fc.integer({ min: 5 * MINUTE, max: 7 * 24 * 60 * MINUTE }),
      asked: fc.integer({ min: 1, max: 40 }),
      elapsed: fc.integer({ min: 0, max: 8 * 24 * 60 * MINUTE }),
    });
    fc.assert(
      fc.property(times, ({ life, asked, elapsed }) => {
        const brief = { createdAt: CREATED, expiresAt: CREATED + life };
        const nowAt = CREATED + elapsed;
        const nextAt = nextPaymentPollAt(brief, asked, nowAt);
        expect(nextAt).toBeGreaterThan(nowAt);
        if (nowAt < brief.expiresAt) expect(nextAt).toBeLessThanOrEqual(brief.expiresAt);
        else expect(nextAt - nowAt).toBeLessThanOrEqual(60 * MINUTE);
      }),
      { numRuns: 500 },
    );
  });

  test("is never put off further by a later clock's going back to an earlier ask", () => {
    const times = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 300 }), fc.nat({ max: 300 }));
    fc.assert(
      fc.property(times, ([asked, one, other]) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        expect(nextPaymentPollAt(order, asked, CREATED + early * MINUTE)).toBeLessThanOrEqual(
          nextPaymentPollAt(order, asked, CREATED + late * MINUTE),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe("an open refund", () => {
  test("is asked about soon, then ever more seldom, once a day in the end", () => {
    const delays = Array.from({ length: 30 }, (_, asked) => nextRefundPollDelay(asked));
    expect(delays[0]).toBe(15_000);
    expect(delays.at(-1)).toBe(24 * 60 * MINUTE);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
  });

  test("is asked about at the first delay for a count that makes no sense", () => {
    expect(nextRefundPollDelay(-1)).toBe(15_000);
  });
});

describe("an order that nothing usable is heard of", () => {
  const old = { createdAt: 0, expiresAt: 120 * MINUTE };

  test("is a person's matter an hour after its expiry, when it was asked about all the while", () => {
    expect(isLongUnknown(old, 9, 180 * MINUTE)).toBe(true);
    expect(isLongUnknown(old, 9, 180 * MINUTE - 1)).toBe(false);
    expect(isLongUnknown(old, 8, 500 * MINUTE)).toBe(false);
  });

  test("is none before the asks that follow the expiry were made, however short its life", () => {
    const short = { createdAt: 0, expiresAt: 5 * MINUTE };
    expect(isLongUnknown(short, 7, 500 * MINUTE)).toBe(true);
    expect(isLongUnknown(short, 6, 500 * MINUTE)).toBe(false);
  });
});
