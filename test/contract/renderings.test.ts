import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readParameters, type Parameters } from "../../src/contract/parameters.ts";
import { renderings, renderPhp } from "../../src/contract/signature.ts";
import { parametersOf, parameterSets } from "./support.ts";

/** The common decoder, independent of the code under test: on bytes, escape by escape. */
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
    const equalsAt = pair.indexOf("=");
    return [pair.slice(0, equalsAt), decodeValue(pair.slice(equalsAt + 1))];
  });
}

function inByteOrder(parameters: Parameters): [string, string][] {
  return [...parameters].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

function haveNoneInCommon(left: Parameters, right: Parameters): boolean {
  const strings = new Set(renderings(left));
  return renderings(right).every((text) => !strings.has(text));
}

describe("I8: the renderings of a set of parameters", () => {
  test("decode to exactly the original set", () => {
    fc.assert(
      fc.property(parameterSets, (parameters) => {
        for (const text of renderings(parameters)) {
          expect(decode(text)).toEqual(inByteOrder(parameters));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("are read by readParameters as the original set", () => {
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

  test("are never shared by two different sets", () => {
    fc.assert(
      fc.property(parameterSets, parameterSets, (left, right) => {
        fc.pre(JSON.stringify(inByteOrder(left)) !== JSON.stringify(inByteOrder(right)));
        expect(haveNoneInCommon(left, right)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("all change when a parameter is changed, added or removed", () => {
    fc.assert(
      fc.property(parameterSets, fc.nat(), fc.string({ minLength: 1 }), (parameters, at, extra) => {
        const name = [...parameters.keys()][at % Math.max(parameters.size, 1)];
        const longer = new Map(parameters).set("zz.added", "");
        expect(haveNoneInCommon(parameters, longer)).toBe(true);
        if (name === undefined) return;
        const changed = new Map(parameters).set(name, `${parameters.get(name)}${extra}`);
        expect(haveNoneInCommon(parameters, changed)).toBe(true);
        const shorter = new Map(parameters);
        shorter.delete(name);
        expect(haveNoneInCommon(parameters, shorter)).toBe(true);
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
  ])("exclude raw text that could be another set: %j and %j", (left, right) => {
    expect(haveNoneInCommon(parametersOf(left), parametersOf(right))).toBe(true);
  });

  test("include raw text when no value contains &, % or +", () => {
    expect(renderings(parametersOf({ b: "中 x", a: "1=2" }))).toContain("a=1=2&b=中 x");
    for (const value of ["中&", "中%", "中+"]) {
      expect(renderings(parametersOf({ a: value }))).not.toContain(`a=${value}`);
    }
  });

  test("include both cases of hex, each throughout", () => {
    expect(renderings(parametersOf({ a: "中+%3a%3A" }))).toEqual([
      "a=%E4%B8%AD%2B%253a%253A",
      "a=%e4%b8%ad%2b%253a%253A",
    ]);
    expect(renderings(parametersOf({ a: "中", b: "国" }))).not.toContain("a=%E4%B8%AD&b=%e5%9b%bd");
  });

  test("are a single string for plain text", () => {
    expect(renderings(parametersOf({ b: "x-_.9", a: "" }))).toEqual(["a=&b=x-_.9"]);
  });

  test("exclude sign, but not names that contain it", () => {
    expect(renderings(parametersOf({ sign: "x", signs: "1", Sign: "2" }))).toEqual([
      "Sign=2&signs=1",
    ]);
  });

  // Rows without a library in app-signature.json, from the documentation of those libraries.
  test.each([
    ["npm qs, RFC1738 format", "a=x+%21%27()%2A~"],
    [".NET WebUtility.UrlEncode", "a=x+!%27()*%7E"],
    ["Python 2 quote", "a=x%20%21%27%28%29%2A%7E"],
    ["encodeURIComponent without the tilde", "a=x%20!'()*%7E"],
  ])("include %s", (_by, text) => {
    expect(renderings(parametersOf({ a: "x !'()*~" }))).toContain(text);
  });

  // What each library writes for this value: run, or read off its code.
  const MARKS = "x !'()*~/:,;=?@$[]中|^`\"<>{}\\#";
  const REST = "%7C%5E%60%22%3C%3E%7B%7D%5C%23";
  test.each([
    ["axios 1.21", `x+!'()*~%2F:,%3B%3D%3F%40$%5B%5D%E4%B8%AD${REST}`],
    ["axios 1.7", `x+!'()*~%2F:,%3B%3D%3F%40$[]%E4%B8%AD${REST}`],
    ["axios 0.19", `x+!'()*~%2F:,%3B%3D%3F@$[]%E4%B8%AD${REST}`],
    ["Spring UriComponents", `x%20!'()*~/:,;%3D?@$%5B%5D%E4%B8%AD${REST}`],
    ["hutool UrlQuery", `x%20!'()*~/:,;=?@$%5B%5D%E4%B8%AD${REST}`],
    ["hutool FormUrlencoded", `x+!'()*~/:,;=?@$%5B%5D%E4%B8%AD${REST}`],
    [
      ".NET HttpUtility.UrlEncode",
      `x+!%27()*%7e%2f%3a%2c%3b%3d%3f%40%24%5b%5d%e4%b8%ad${REST.toLowerCase()}`,
    ],
    ["PHP http_build_query", `x+%21%27%28%29%2A%7E%2F%3A%2C%3B%3D%3F%40%24%5B%5D%E4%B8%AD${REST}`],
    ["Java 17 URLEncoder", `x+%21%27%28%29*%7E%2F%3A%2C%3B%3D%3F%40%24%5B%5D%E4%B8%AD${REST}`],
    ["Python 3 urlencode", `x+%21%27%28%29%2A~%2F%3A%2C%3B%3D%3F%40%24%5B%5D%E4%B8%AD${REST}`],
    ["Node querystring", `x%20!'()*~%2F%3A%2C%3B%3D%3F%40%24%5B%5D%E4%B8%AD${REST}`],
  ])("include %s for all marks", (_by, text) => {
    expect(renderings(parametersOf({ a: MARKS }))).toContain(`a=${text}`);
  });

  test("never leave &, % or + bare, nor escape what no library escapes", () => {
    for (const text of renderings(parametersOf({ a: "&%+-_.aZ9" }))) {
      expect(text).toMatch(/^a=%26%25%2[Bb]-_\.aZ9$/);
    }
  });

  test("include Python's quote, which keeps the slash", () => {
    const strings = renderings(parametersOf({ url: "http://a.example/b?c=d e" }));
    expect(strings).toContain("url=http%3A//a.example/b%3Fc%3Dd%20e");
  });
});

describe("renderPhp", () => {
  test("keeps the order and sign, and escapes everything but letters, digits and -_.", () => {
    const fields = parametersOf({ b: "-_.aZ0 ~*'!()/中", a: "&=%+", sign: "x" });
    expect(renderPhp(fields)).toBe("b=-_.aZ0+%7E%2A%27%21%28%29%2F%E4%B8%AD&a=%26%3D%25%2B&sign=x");
  });
});
