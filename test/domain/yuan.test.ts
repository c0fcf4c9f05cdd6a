import { expect, test } from "vitest";
import { yuanOf } from "../../src/domain/yuan.ts";

test.each([
  [0, "0.00"],
  [5, "0.05"],
  [10, "0.10"],
  [100, "1.00"],
  [1_999, "19.99"],
  [123_456_789, "1234567.89"],
  [Number.MAX_SAFE_INTEGER, "90071992547409.91"],
])("yuanOf writes %d fen as %s", (fen, yuan) => {
  expect(yuanOf(fen)).toBe(yuan);
});
