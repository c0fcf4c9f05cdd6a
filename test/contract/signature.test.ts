import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { renderings } from "../../src/contract/renderings.ts";
import { parseCaller, signParameters, verifySignature } from "../../src/contract/signature.ts";
import vectors from "../vectors/app-signature.json";
import { parametersOf, parameterSets, refusalOf } from "./support.ts";

const { salt, published } = vectors;
const otherSalt = "0123456789abcdef0123456789abcdef";

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

describe("the published signature", () => {
  const parameters = new Map(new URLSearchParams(published.string));

  test("is the result of signParameters", async () => {
    expect(await signParameters(parameters, published.salt)).toBe(published.sign);
  });

  test("is accepted in either case and any order of parameters", async () => {
    const reversed = new Map([...parameters].toReversed());
    expect(await verifySignature(reversed, published.sign, [published.salt])).toBe(true);
    expect(await verifySignature(reversed, published.sign.toUpperCase(), [published.salt])).toBe(
      true,
    );
  });

  test("is refused when any hex digit differs", async () => {
    for (let at = 0; at < 40; at += 1) {
      const digit = published.sign[at] === "0" ? "1" : "0";
      const forged = published.sign.slice(0, at) + digit + published.sign.slice(at + 1);
      expect(await verifySignature(parameters, forged, [published.salt])).toBe(false);
    }
  });

  test.each(["", "0", published.sign.slice(1), `${published.sign}0`, "z".repeat(40)])(
    "is refused when replaced by %j",
    async (sign) => {
      expect(await verifySignature(parameters, sign, [published.salt])).toBe(false);
    },
  );

  test("is refused when a parameter is added, removed or changed", async () => {
    const changes = [
      new Map([...parameters, ["unknown", "1"]]),
      new Map([...parameters, ["clientIp", ""]]),
      new Map([...parameters].filter(([name]) => name !== "attach")),
      new Map([...parameters, ["totalFree", "2"]]),
    ];
    for (const changed of changes) {
      expect(await verifySignature(changed, published.sign, [published.salt])).toBe(false);
    }
  });
});

describe.each(vectors.cases)("signature of $name", ({ parameters, renderings: rows }) => {
  const set = parametersOf(parameters);

  test.each(rows)("is accepted in the rendering of $by", async ({ string, sign }) => {
    expect(renderings(set)).toContain(string);
    expect(await verifySignature(set, sign, [salt])).toBe(true);
    expect(await verifySignature(set, sign, [otherSalt])).toBe(false);
  });

  test("is computed over PHP's rendering", async () => {
    const php = rows.find(({ by }) => by.startsWith("rule: PHP http_build_query(array),"));
    expect(await signParameters(set, salt)).toBe(php?.sign);
  });
});

describe("verifySignature", () => {
  test("accepts either salt during a rotation, and nothing without salts", async () => {
    const set = parametersOf({ appId: "1", desc: "中文 x" });
    const sign = await signParameters(set, salt);
    expect(await verifySignature(set, sign, [otherSalt, salt])).toBe(true);
    expect(await verifySignature(set, sign, [salt, otherSalt])).toBe(true);
    expect(await verifySignature(set, sign, [])).toBe(false);
  });

  test("accepts any rendering of any set, with the salt on both sides only", async () => {
    await fc.assert(
      fc.asyncProperty(parameterSets, async (parameters) => {
        for (const text of renderings(parameters)) {
          expect(await verifySignature(parameters, sha1(salt + text + salt), [salt])).toBe(true);
        }
        const [text = ""] = renderings(parameters);
        expect(await verifySignature(parameters, sha1(salt + text), [salt])).toBe(false);
        expect(await verifySignature(parameters, sha1(text + salt), [salt])).toBe(false);
        expect(await verifySignature(parameters, sha1(text), [salt])).toBe(false);
      }),
    );
  });

  test("refuses mixed cases of hex, unsorted names and ambiguous raw text", async () => {
    const set = parametersOf({ a: "中&", b: "2" });
    for (const accepted of ["a=%E4%B8%AD%26&b=2", "a=%e4%b8%ad%26&b=2"]) {
      expect(await verifySignature(set, sha1(salt + accepted + salt), [salt])).toBe(true);
    }
    for (const text of ["a=%e4%B8%AD%26&b=2", "b=2&a=%E4%B8%AD%26", "a=中&&b=2"]) {
      expect(await verifySignature(set, sha1(salt + text + salt), [salt])).toBe(false);
    }
  });
});

/** How many strings are hashed for these values and a sign in this rendering, or a forged one. */
async function hashed(
  values: Record<string, string>,
  { signed, salts = [salt] }: { readonly signed?: string; readonly salts?: string[] } = {},
): Promise<number> {
  const digest = vi.spyOn(crypto.subtle, "digest");
  const sign = signed === undefined ? "0".repeat(40) : sha1(salt + signed + salt);
  expect(await verifySignature(parametersOf(values), sign, salts)).toBe(signed !== undefined);
  const { length } = digest.mock.calls;
  digest.mockRestore();
  return length;
}

describe("verifySignature, work", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("tries only renderings that differ for the characters that occur", async () => {
    expect(await hashed({ a: "x-_.9" })).toBe(1);
    expect(await hashed({ a: "x-_.9" }, { salts: [salt, otherSalt] })).toBe(2);
    // In upper and in lower case, and the text as it is.
    expect(await hashed({ a: "中" })).toBe(3);
    expect(await hashed({ a: "~" })).toBe(3);
    // Its digits have no case.
    expect(await hashed({ a: "!" })).toBe(2);
    // %20, + and the text as it is.
    expect(await hashed({ a: "x y" })).toBe(3);
    // No text as it is.
    expect(await hashed({ a: "&" })).toBe(1);
    // In a name there is nothing to escape.
    expect(await hashed({ "a.b-c_d": "x" })).toBe(1);
  });

  test("ends with the first match", async () => {
    const set = { a: "x !'()*~/中" };
    const all = await hashed(set);
    expect(all).toBe(renderings(parametersOf(set)).length);
    expect(await hashed(set, { signed: "a=x+%21%27%28%29%2A%7E%2F%E4%B8%AD" })).toBe(1);
    expect(
      await hashed(set, {
        signed: "a=x+%21%27%28%29%2A%7E%2F%E4%B8%AD",
        salts: [otherSalt, salt],
      }),
    ).toBe(2);
    expect(await hashed(set, { signed: "a=x !'()*~/中" })).toBeLessThan(all);
    expect(await hashed(set, { signed: "a=x+!'()*~/%e4%b8%ad" })).toBe(all);
  });

  test("never renders one string twice", () => {
    fc.assert(
      fc.property(parameterSets, (parameters) => {
        const strings = renderings(parameters);
        expect(strings).toEqual([...new Set(strings)]);
      }),
    );
  });
});

describe("parseCaller", () => {
  const sign = "aeb4376a7bf9d88c608cc4589cc8af447453ab86";

  test("reads appId and sign, in either case", () => {
    const upper = sign.toUpperCase();
    expect(parseCaller(parametersOf({ appId: "12", sign: upper, other: "x" }))).toEqual({
      ok: true,
      value: { appId: 12, sign: upper },
    });
    expect(parseCaller(parametersOf({ appId: "9007199254740991", sign })).ok).toBe(true);
  });

  test.each([
    ["appId", undefined, "appId 必传"],
    ["appId", "", "appId 必传"],
    ...["0", "-1", "01", "1.0", "1e2", "+1", " 1", "1 ", "0x1", "abc", "１"].map(
      (value): [string, string, string] => ["appId", value, "appId 必须是不小于 1 的整数"],
    ),
    ["appId", "9007199254740992", "appId 不能大于"],
    ["appId", "9".repeat(400), "appId 不能大于"],
    ["sign", undefined, "sign 必传"],
    ["sign", "", "sign 必传"],
    ["sign", sign.slice(1), "sign 必须是 40 位"],
    ["sign", `${sign}\n`, "sign 必须是 40 位"],
    ["sign", "g".repeat(40), "sign 必须是 40 位"],
  ])("refuses %s %j: %s", (name, value, detail) => {
    const parameters = parametersOf({ appId: "1", sign, [name]: value });
    expect(refusalOf(parseCaller(parameters))).toContain(detail);
  });
});
