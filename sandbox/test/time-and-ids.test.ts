import { expect, test } from "vitest";
import { newNonce, newPrepayId, newRefundId, newTransactionId } from "../src/protocol/ids.ts";
import { beijingCompact, beijingText, parseBeijingCompact } from "../src/protocol/time.ts";

const AT = Date.UTC(2018, 10, 18, 17, 24, 13);

test("times are Beijing's", () => {
  expect(beijingText(AT)).toBe("2018-11-19 01:24:13");
  expect(beijingCompact(AT)).toBe("20181119012413");
  expect(parseBeijingCompact("20181119012413")).toBe(AT);
});

test.each(["", "2018111901241", "20180231000000", "20181119250000", "2018-11-19 01:24"])(
  "%j is no time",
  (text) => {
    expect(parseBeijingCompact(text)).toBeUndefined();
  },
);

test("numbers look like WeChat Pay's", () => {
  expect(newTransactionId(AT)).toMatch(/^4200\d{6}20181119\d{10}$/);
  expect(newRefundId(AT)).toMatch(/^50000\d{5}20181119\d{11}$/);
  expect(newPrepayId(AT)).toMatch(/^wx[0-9a-f]{34}$/);
  expect(newNonce()).toMatch(/^[0-9a-f]{32}$/);
});

test("numbers differ", () => {
  const numbers = Array.from({ length: 200 }, () => newTransactionId(AT));
  expect(new Set(numbers).size).toBe(200);
});
