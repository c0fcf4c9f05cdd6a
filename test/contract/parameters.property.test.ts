import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readParameters } from "../../src/contract/parameters.ts";
import { parameterSets } from "./support.ts";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads a body that must be accepted, as pairs in order. */
function read(contentType: string, body: string): [string, string][] {
  const result = readParameters(contentType, bytes(body));
  if (!result.ok) throw new Error(result.error.detail);
  return [...result.value];
}

describe("readParameters, any input", () => {
  test("reads back what JSON.stringify and URLSearchParams wrote", () => {
    fc.assert(
      fc.property(parameterSets, (parameters) => {
        const pairs = [...parameters];
        const entries = pairs.map(
          ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
        );
        expect(read(JSON_TYPE, `{${entries.join(",")}}`)).toEqual(pairs);
        expect(read(FORM, new URLSearchParams(pairs).toString())).toEqual(pairs);
      }),
    );
  });

  test("refuses a JSON text, or reads the same values as JSON.parse", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const result = readParameters(JSON_TYPE, bytes(text));
        if (!result.ok) return;
        const parsed: Record<string, unknown> = JSON.parse(text);
        expect([...result.value.keys()].toSorted()).toEqual(Object.keys(parsed).toSorted());
        for (const [name, value] of result.value) {
          const expected = parsed[name];
          if (typeof expected === "number") expect(Number(value)).toBe(expected);
          else expect(value).toBe(String(expected));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (body, isJson) => {
        expect(() => readParameters(isJson ? JSON_TYPE : FORM, body)).not.toThrow();
      }),
    );
  });
});
