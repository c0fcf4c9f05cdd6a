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

describe("for any set of parameters", () => {
  test("what JSON.stringify and URLSearchParams write reads back as that set", () => {
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

  test("any JSON text is either refused or read as JSON.parse reads its strings", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const result = readParameters(JSON_TYPE, bytes(text));
        if (!result.ok) return;
        const parsed: Record<string, unknown> = JSON.parse(text);
        expect([...result.value.keys()].toSorted()).toEqual(Object.keys(parsed).toSorted());
        for (const [name, value] of result.value) {
          const given = parsed[name];
          if (typeof given === "number") expect(Number(value)).toBe(given);
          else expect(value).toBe(String(given));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes give a set or a 501, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (body, isJson) => {
        expect(() => readParameters(isJson ? JSON_TYPE : FORM, body)).not.toThrow();
      }),
    );
  });
});
