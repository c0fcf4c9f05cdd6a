import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readParameters, type Parameters } from "../../src/contract/parameters.ts";
import { renderings, renderPhp } from "../../src/contract/signature.ts";
import { parametersOf, parameterSets } from "./support.ts";

/** The one decoder, written apart from the code under test: on bytes, escape by escape. */
function decodeValue(text: string): string {
  const source = new TextEncoder().encode(text);
  const bytes: number[] = [];
  for (let at = 0; at < source.length; at += 1) {
    const byte = source[at] ?? 0;
    if (byte === 0x25) {
      bytes.push(Number.parseInt(String.fromCharCode(...source.slice(at + 1, at + 3)), 16));
      at += 2;
    } else {
      bytes.push(byte === 0x2b ? 0x20 : byte);
    }
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

function decode(text: string): [string, string][] {
  if (text === "") return [];
  return text.split("&").map((pair) => {
    const cut = pair.indexOf("=");
    return [pair.slice(0, cut), decodeValue(pair.slice(cut + 1))];
  });
}

function inByteOrder(parameters: Parameters): [string, string][] {
  return [...parameters].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

function sharesNone(left: Parameters, right: Parameters): boolean {
  const strings = new Set(renderings(left));
  return renderings(right).every((text) => !strings.has(text));
}

test("every rendering decodes to exactly the set it was made of", () => {
  fc.assert(
    fc.property(parameterSets, (parameters) => {
      for (const text of renderings(parameters)) {
        expect(decode(text)).toEqual(inByteOrder(parameters));
      }
    }),
    { numRuns: 1000 },
  );
});

test("every rendering, sent as a form, is read as the set it was made of", () => {
  fc.assert(
    fc.property(parameterSets, (parameters) => {
      for (const text of renderings(parameters)) {
        const body = new TextEncoder().encode(text);
        const result = readParameters("application/x-www-form-urlencoded", body);
        expect(result.ok && [...result.value]).toEqual(inByteOrder(parameters));
      }
    }),
  );
});

test("two different sets never share a rendering", () => {
  fc.assert(
    fc.property(parameterSets, parameterSets, (left, right) => {
      fc.pre(JSON.stringify(inByteOrder(left)) !== JSON.stringify(inByteOrder(right)));
      expect(sharesNone(left, right)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("changing, adding or dropping a parameter changes every rendering", () => {
  fc.assert(
    fc.property(parameterSets, fc.nat(), fc.string({ minLength: 1 }), (parameters, at, extra) => {
      const name = [...parameters.keys()][at % Math.max(parameters.size, 1)];
      const longer = new Map(parameters).set("zz.added", "");
      expect(sharesNone(parameters, longer)).toBe(true);
      if (name === undefined) return;
      const changed = new Map(parameters).set(name, `${parameters.get(name)}${extra}`);
      expect(sharesNone(parameters, changed)).toBe(true);
      const shorter = new Map(parameters);
      shorter.delete(name);
      expect(sharesNone(parameters, shorter)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test.each([
  [{ a: "1&b=2" }, { a: "1", b: "2" }],
  [{ a: "%26" }, { a: "&" }],
  [{ a: "b+c" }, { a: "b c" }],
  [{ a: "b%20c" }, { a: "b c" }],
  [{ a: "1&sign=x" }, { a: "1" }],
])("text that could be taken for another set has no raw rendering: %j and %j", (left, right) => {
  expect(sharesNone(parametersOf(left), parametersOf(right))).toBe(true);
});

test("raw text is a rendering when no value holds &, % or +", () => {
  expect(renderings(parametersOf({ b: "中 x", a: "1=2" }))).toContain("a=1=2&b=中 x");
  for (const value of ["中&", "中%", "中+"]) {
    expect(renderings(parametersOf({ a: value }))).not.toContain(`a=${value}`);
  }
});

test("plain text has one rendering, so it costs one digest", () => {
  expect(renderings(parametersOf({ b: "x-_.9", a: "" }))).toEqual(["a=&b=x-_.9"]);
});

test("sign is left out, other names that hold it are not", () => {
  expect(renderings(parametersOf({ sign: "x", signs: "1", Sign: "2" }))).toEqual([
    "Sign=2&signs=1",
  ]);
});

test("renderPhp keeps the order and sign, and escapes all but letters, digits and -_.", () => {
  const fields = parametersOf({ b: "-_.aZ0 ~*'!()/中", a: "&=%+", sign: "x" });
  expect(renderPhp(fields)).toBe("b=-_.aZ0+%7E%2A%27%21%28%29%2F%E4%B8%AD&a=%26%3D%25%2B&sign=x");
});

// Rows that app-signature.json has no library for, written from the libraries' documentation.
test.each([
  ["npm qs, RFC1738 format", "a=x+%21%27()%2A~"],
  [".NET WebUtility.UrlEncode", "a=x+!%27()*%7E"],
  ["Python 2 quote", "a=x%20%21%27%28%29%2A%7E"],
  ["encodeURIComponent without the tilde", "a=x%20!'()*%7E"],
])("%s is among the renderings", (_by, text) => {
  expect(renderings(parametersOf({ a: "x !'()*~" }))).toContain(text);
});

test("Python's quote, which leaves the slash, is among the renderings", () => {
  const strings = renderings(parametersOf({ url: "http://a.example/b?c=d e" }));
  expect(strings).toContain("url=http%3A//a.example/b%3Fc%3Dd%20e");
});
