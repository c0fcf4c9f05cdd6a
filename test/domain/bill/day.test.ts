import { describe, expect, test } from "vitest";
import { billDay, readyDays } from "../../../src/domain/bill/day.ts";

const beijing = (text: string) => Date.parse(`${text}+08:00`);

function daysAt(at: number): string[] {
  return readyDays(at, 3).map(({ day }) => day);
}

describe("billDay", () => {
  test("returns the start and end in Beijing, and when the bill is ready", () => {
    expect(billDay("2026-11-22")).toEqual({
      day: "2026-11-22",
      startAt: beijing("2026-11-22T00:00:00"),
      endAt: beijing("2026-11-23T00:00:00"),
      readyAt: beijing("2026-11-23T10:30:00"),
    });
  });

  test.for(["2026-02-30", "2026-13-01", "20261122", "2026-11-2", "", "2026-11-22 "])(
    "returns null for %j",
    (text) => {
      expect(billDay(text)).toBe(null);
    },
  );
});

describe("readyDays", () => {
  test("includes yesterday from 10:30 on", () => {
    const at = beijing("2026-03-01T10:30:00");
    expect(daysAt(at)).toEqual(["2026-02-28", "2026-02-27", "2026-02-26"]);
    expect(daysAt(at - 1)).toEqual(["2026-02-27", "2026-02-26", "2026-02-25"]);
  });
});
