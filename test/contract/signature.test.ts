import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderings, signParameters, verifySignature } from "../../src/contract/signature.ts";
import vectors from "../vectors/app-signature.json";
import { parametersOf, parameterSets } from "./support.ts";

const { salt, published } = vectors;
const other = "0123456789abcdef0123456789abcdef";

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

describe("the published vector", () => {
  const parameters = new Map(new URLSearchParams(published.string));

  test("is what signParameters makes", async () => {
    expect(await signParameters(parameters, published.salt)).toBe(published.sign);
  });

  test("is accepted, in upper case too, whatever the order of the parameters", async () => {
    const reversed = new Map([...parameters].toReversed());
    expect(await verifySignature(reversed, published.sign, [published.salt])).toBe(true);
    expect(await verifySignature(reversed, published.sign.toUpperCase(), [published.salt])).toBe(
      true,
    );
  });

  test("is refused when one hex digit of it differs, wherever", async () => {
    for (let at = 0; at < 40; at += 1) {
      const digit = published.sign[at] === "0" ? "1" : "0";
      const forged = published.sign.slice(0, at) + digit + published.sign.slice(at + 1);
      expect(await verifySignature(parameters, forged, [published.salt])).toBe(false);
    }
  });

  test.each(["", "0", published.sign.slice(1), `${published.sign}0`, "z".repeat(40)])(
    "is refused as %j",
    async (sign) => {
      expect(await verifySignature(parameters, sign, [published.salt])).toBe(false);
    },
  );

  test("is refused with unknown, empty or dropped parameters added or taken", async () => {
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

describe.each(vectors.cases)("$name", ({ parameters, renderings: rows }) => {
  const set = parametersOf(parameters);

  test.each(rows)("as written by $by", async ({ string, sign }) => {
    expect(renderings(set)).toContain(string);
    expect(await verifySignature(set, sign, [salt])).toBe(true);
    expect(await verifySignature(set, sign, [other])).toBe(false);
  });

  test("is signed as PHP writes it", async () => {
    const php = rows.find(({ by }) => by.startsWith("rule: PHP http_build_query(array),"));
    expect(await signParameters(set, salt)).toBe(php?.sign);
  });
});

test("during a rotation either salt is accepted, without salts none", async () => {
  const set = parametersOf({ appId: "1", desc: "中文 x" });
  const sign = await signParameters(set, salt);
  expect(await verifySignature(set, sign, [other, salt])).toBe(true);
  expect(await verifySignature(set, sign, [salt, other])).toBe(true);
  expect(await verifySignature(set, sign, [])).toBe(false);
});

test("any rendering of any set is accepted, with the salt on both sides only", async () => {
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

test("a lower-case escape or another order of names is not the rule", async () => {
  const set = parametersOf({ a: "中&", b: "2" });
  const accepted = "a=%E4%B8%AD%26&b=2";
  expect(await verifySignature(set, sha1(salt + accepted + salt), [salt])).toBe(true);
  for (const text of ["a=%e4%b8%ad%26&b=2", "b=2&a=%E4%B8%AD%26", "a=中&&b=2"]) {
    expect(await verifySignature(set, sha1(salt + text + salt), [salt])).toBe(false);
  }
});
