import { describe, expect, test } from "vitest";
import {
  beijingTimeOf,
  parseCompactBeijingTime,
  parseSpacedBeijingTime,
} from "../../src/domain/beijing-time.ts";

describe("Beijing time", () => {
  test("is eight hours ahead of UTC", () => {
    expect(parseCompactBeijingTime("20140903131540")).toBe(Date.UTC(2014, 8, 3, 5, 15, 40));
    expect(parseSpacedBeijingTime("2018-11-19 16:24:13")).toBe(Date.UTC(2018, 10, 19, 8, 24, 13));
  });

  test("crosses the turn of the year", () => {
    expect(parseCompactBeijingTime("20260101000000")).toBe(Date.UTC(2025, 11, 31, 16));
  });

  test("is written as WeChat writes it", () => {
    expect(beijingTimeOf(Date.UTC(2025, 11, 31, 16))).toBe("2026-01-01 00:00:00");
    expect(beijingTimeOf(Date.UTC(2025, 11, 31, 15, 59, 59, 999))).toBe("2025-12-31 23:59:59");
  });

  test("handles leap years", () => {
    expect(parseCompactBeijingTime("20240229000000")).toBe(Date.UTC(2024, 1, 28, 16));
    expect(parseCompactBeijingTime("20250229000000")).toBeNull();
  });

  test.each([
    "",
    "2014090313154",
    "201409031315400",
    "20140903 13154",
    "20141303131540",
    "20140003131540",
    "20140931131540",
    "20140900131540",
    "20140903241540",
    "20140903136040",
    "20140903131560",
    "２０１４0903131540",
    "20140903131540\n",
    "00010101000000",
  ])("refuses %j as a compact time", (text) => {
    expect(parseCompactBeijingTime(text)).toBeNull();
  });

  test.each([
    "",
    "2018-11-19T16:24:13",
    "2018-11-19 16:24",
    "2018-11-31 16:24:13",
    "2018-11-19 24:00:00",
    " 2018-11-19 16:24:13",
    "20181119162413",
  ])("refuses %j as a spaced time", (text) => {
    expect(parseSpacedBeijingTime(text)).toBeNull();
  });
});
