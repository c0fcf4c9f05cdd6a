import { expect, test } from "vitest";
import { newNonce, newPrepayId, newRefundId, newTransactionId } from "../src/protocol/ids.ts";
import {
  beijingCompact,
  beijingRfc3339,
  beijingText,
  parseBeijingCompact,
  parseRfc3339,
} from "../src/protocol/time.ts";

const AT = Date.UTC(2018, 10, 18, 17, 24, 13);

test("APIv2 times are Beijing times", () => {
  expect(beijingText(AT)).toBe("2018-11-19 01:24:13");
  expect(beijingCompact(AT)).toBe("20181119012413");
  expect(parseBeijingCompact("20181119012413")).toBe(AT);
});

test.each(["", "2018111901241", "20180231000000", "20181119250000", "2018-11-19 01:24"])(
  "parseBeijingCompact refuses %j",
  (text) => {
    expect(parseBeijingCompact(text)).toBeNull();
  },
);

test("APIv3 times are RFC 3339 times", () => {
  expect(beijingRfc3339(AT)).toBe("2018-11-19T01:24:13+08:00");
  for (const text of [
    "2018-11-19T01:24:13+08:00",
    "2018-11-18T17:24:13Z",
    "2018-11-18T17:24:13.000-00:00",
  ]) {
    expect(parseRfc3339(text)).toBe(AT);
  }
});

test.each([
  "",
  "2018-11-19T01:24:13",
  "2018-11-19 01:24:13+08:00",
  "2018-02-30T01:24:13+08:00",
  "2018-11-19T25:24:13+08:00",
  "2018-11-19T01:24:13+25:00",
  "2018-11-19T01:24:13+0800",
])("parseRfc3339 refuses %j", (text) => {
  expect(parseRfc3339(text)).toBeNull();
});

test("generated numbers have WeChat Pay's formats", () => {
  expect(newTransactionId(AT)).toMatch(/^4200\d{6}20181119\d{10}$/);
  expect(newRefundId(AT)).toMatch(/^50000\d{5}20181119\d{11}$/);
  expect(newPrepayId(AT)).toMatch(/^wx[0-9a-f]{34}$/);
  expect(newNonce()).toMatch(/^[0-9a-f]{32}$/);
});

test("generated numbers differ", () => {
  const numbers = Array.from({ length: 200 }, () => newTransactionId(AT));
  expect(new Set(numbers).size).toBe(200);
});
