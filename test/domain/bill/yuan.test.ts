import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countOf, fenOfYuan } from "../../../src/domain/bill/yuan.ts";

describe("fenOfYuan", () => {
  test.for([
    ["0", 0],
    ["6", 600],
    ["6.0", 600],
    ["0.47", 47],
    ["0.07", 7],
    ["45.10000", 4510],
    ["-1.20", -120],
    ["-0.00", 0],
    ["9999999999999.99", 999_999_999_999_999],
  ] as const)("converts %s yuan to %i fen", ([text, fen]) => {
    expect(fenOfYuan(text)).toBe(fen);
  });

  test.for([
    "",
    " 1",
    "1.",
    ".5",
    "0.001",
    "0.02001",
    "1,000.00",
    "1e3",
    "0x10",
    "NaN",
    "--1",
    "１",
  ])("returns null for %j", (text) => {
    expect(fenOfYuan(text)).toBe(null);
  });

  test("is exact for every amount", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (fen) => {
        const digits = String(fen).padStart(3, "0");
        expect(fenOfYuan(`${digits.slice(0, -2)}.${digits.slice(-2)}`)).toBe(fen);
      }),
    );
  });
});

describe("countOf", () => {
  test("accepts whole numbers, with or without a decimal point", () => {
    expect([countOf("48"), countOf("45.0"), countOf("45.5"), countOf("-1"), countOf("")]).toEqual([
      48,
      45,
      null,
      null,
      null,
    ]);
  });
});
