import * as fc from "fast-check";
import { expect, test } from "vitest";
import { countOf, fenOfYuan } from "../../../src/domain/bill/yuan.ts";

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
] as const)("%s yuan are %i fen", ([text, fen]) => {
  expect(fenOfYuan(text)).toBe(fen);
});

test.for(["", " 1", "1.", ".5", "0.001", "0.02001", "1,000.00", "1e3", "0x10", "NaN", "--1", "１"])(
  "%j is no amount",
  (text) => {
    expect(fenOfYuan(text)).toBe(null);
  },
);

test("every amount of fen is read back to the fen", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999_999 }), (fen) => {
      const digits = String(fen).padStart(3, "0");
      expect(fenOfYuan(`${digits.slice(0, -2)}.${digits.slice(-2)}`)).toBe(fen);
    }),
  );
});

test("counts are whole, with or without a point", () => {
  expect([countOf("48"), countOf("45.0"), countOf("45.5"), countOf("-1"), countOf("")]).toEqual([
    48,
    45,
    null,
    null,
    null,
  ]);
});
