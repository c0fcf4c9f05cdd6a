import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  parseDictionary,
  serializeInnerList,
} from "../../../src/contract/request-signature/structured-fields.ts";

/** The canonical text of the inner list that is the only member. */
function canonical(list: string): string | null {
  const member = parseDictionary(`a=${list}`)?.get("a");
  return member?.kind === "inner-list" ? serializeInnerList(member) : null;
}

function bareItem(text: string) {
  const member = parseDictionary(`a=${text}`)?.get("a");
  return member?.kind === "item" ? member.value : null;
}

describe("parseDictionary", () => {
  test("reads members in order, with any white space around commas", () => {
    const members = parseDictionary("b=1,a=2 ,\tc=(),d,*e.f-g_1=?0") ?? new Map<string, never>();
    expect([...members.keys()]).toEqual(["b", "a", "c", "d", "*e.f-g_1"]);
    expect(parseDictionary("  a=1  ")?.size).toBe(1);
    expect(parseDictionary("")?.size).toBe(0);
  });

  test.each([
    ["0", { type: "integer", text: "0", value: 0 }],
    ["-0", { type: "integer", text: "0", value: 0 }],
    ["0042", { type: "integer", text: "42", value: 42 }],
    ["-999999999999999", { type: "integer", value: -999_999_999_999_999 }],
    ["1.0", { type: "decimal", text: "1.0" }],
    ["-01.250", { type: "decimal", text: "-1.25" }],
    ['"a\\"\\\\b"', { type: "string", text: '"a\\"\\\\b"', value: 'a"\\b' }],
    ['""', { type: "string", value: "" }],
    ["::", { type: "bytes", value: new Uint8Array() }],
    [":AQID:", { type: "bytes", value: new Uint8Array([1, 2, 3]) }],
    ["?1", { type: "boolean", text: "?1" }],
    ["*a/b:c", { type: "token", text: "*a/b:c" }],
  ])("reads the value %s", (text, item) => {
    expect(bareItem(text)).toMatchObject(item);
  });

  test.each([
    ["()", "()"],
    ['(  "a"   "b" )', '("a" "b")'],
    ['("a";x;y=?1 b);  c=01;d=1.50;e=?0', '("a";x;y b);c=1;d=1.5;e=?0'],
  ])("gives %s the canonical text %s", (list, text) => {
    expect(canonical(list)).toBe(text);
  });

  test.each([
    ["a key twice", "a=1, a=1"],
    ["a parameter twice", 'a=("b");c=1;c=1'],
    ["an item's parameter twice", 'a=("b";c;c)'],
    ["a trailing comma", "a=1,"],
    ["a missing comma", "a=1 b=2"],
    ["an upper-case key", "A=1"],
    ["a key that begins with a digit", "1=1"],
    ["no value after =", "a="],
    ["a space before =", "a =1"],
    ["an open list", 'a=("b"'],
    ["a closed list that wasn't open", "a=)"],
    ["a list in a list", "a=((b))"],
    ["items that touch", 'a=("b""c")'],
    ["a tab in a list", "a=(b\tc)"],
    ["an open string", 'a="b'],
    ["an unknown escape", 'a="\\n"'],
    ["a character outside ASCII in a string", 'a="é"'],
    ["a character outside ASCII in a token", "a=é"],
    ["a control character", 'a="\u0001"'],
    ["16 digits", "a=1234567890123456"],
    ["13 digits before a point", "a=1234567890123.1"],
    ["4 decimals", "a=1.1234"],
    ["a bare point", "a=1."],
    ["a plus sign", "a=+1"],
    ["open bytes", "a=:AQID"],
    ["unpadded base64", "a=:AQ:"],
    ["unused bits that aren't zero", "a=:AR==:"],
    ["too much padding", "a=:AQID====:"],
    ["base64url", "a=:_-8=:"],
    ["a boolean other than 0 and 1", "a=?2"],
    ["a date, which RFC 8941 doesn't have", "a=@1"],
    ["a display string, which RFC 8941 doesn't have", 'a=%"b"'],
  ])("refuses %s", (_, text) => {
    expect(parseDictionary(text)).toBeNull();
  });

  test("never throws, and reads its own canonical text as the same list", () => {
    const part = fc.constantFrom(
      ...Array.from('"\\();=, \t:?@%-.1aé\u0000😀'),
      ...'b1 "c" :AQID: 1.5 ;d= tok/en ?1'.split(" "),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = canonical(`(${parts.join("")})`);
        if (text !== null) expect(canonical(text)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    "(",
    ")",
    '"',
    '"\\',
    "\\\\",
    "a",
    "a,",
    "a=1,",
    "a;b",
    ";a",
    " ",
    "\t",
    ",",
    ":A",
    ":AAAA:",
    "1",
    "1.",
    "-",
    "*",
    '("a" ',
    "?",
  ])("takes linear time for a long run of %j", (piece) => {
    // 64 KB: quadratic work on it takes seconds. The verifier reads 4 KB at most.
    const run = piece.repeat(65_536 / piece.length);
    const startedAt = Date.now();
    for (const text of [run, `a=${run}`, `a="${run}`, `a=(${run}`, `a=(${run})`, `a=1;${run}`]) {
      parseDictionary(text);
    }
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  });
});
