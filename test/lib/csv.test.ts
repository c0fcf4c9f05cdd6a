import { describe, expect, test } from "vitest";
import { csvHead, csvLine, identifierCell, textCell } from "../../src/lib/csv.ts";

describe("csvLine", () => {
  test("ends in CRLF, and an absent value is an empty cell", () => {
    expect(csvLine(["a", 1, null, ""])).toBe("a,1,,\r\n");
  });

  test.each([
    ["a,b", '"a,b"'],
    ['say "yes"', '"say ""yes"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["测试商品", "测试商品"],
    [" blanks ", " blanks "],
  ])("quotes %j by RFC 4180", (text, cell) => {
    expect(csvLine([text, text])).toBe(`${cell},${cell}\r\n`);
  });
});

test("csvHead begins with the byte order mark", () => {
  expect(csvHead(["id", "number"])).toBe("\uFEFFid,number\r\n");
});

describe("textCell", () => {
  test.each([
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    '=cmd|" /C calc"!A0',
  ])("makes %j text", (text) => {
    expect(textCell(text)).toBe(`'${text}`);
  });

  test.each([
    "4200002949202611233757584620",
    "007",
    "1e5",
    "12.50",
    "1-2",
    "12:30",
    "50%",
    "1,000",
  ])("keeps %j as it is by a tab", (text) => {
    expect(textCell(text)).toBe(`\t${text}`);
  });

  test.each(["苹果 3 斤", "A1", "a=b", "x-1", "", "3 apples"])("leaves %j alone", (text) => {
    expect(textCell(text)).toBe(text);
  });

  test("leaves an absent text absent", () => {
    expect(textCell(null)).toBeNull();
  });
});

describe("identifierCell", () => {
  test.each(["4200002949202611233757584620", "12e45678901234567890123456789012", "A-1"])(
    "keeps %j as text",
    (number) => {
      expect(identifierCell(number)).toBe(`\t${number}`);
    },
  );

  test("makes a number that looks like a formula text", () => {
    expect(identifierCell("-1")).toBe("'-1");
    expect(identifierCell(null)).toBeNull();
  });
});
