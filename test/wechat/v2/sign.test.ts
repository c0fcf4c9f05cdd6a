import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { md5Hex, sign, stringToSign, verifySign } from "../../../src/wechat/v2/sign.ts";
import type { V2SignType } from "../../../src/wechat/types.ts";
import vectors from "../../vectors/v2-sign.json";
import { API_KEY } from "../support/fixtures.ts";

const TYPES: V2SignType[] = ["MD5", "HMAC-SHA256"];

function fieldsOf(params: object): Map<string, string> {
  return new Map(Object.entries(params).map(([name, value]) => [name, String(value)]));
}

function typeOf(text: string): V2SignType {
  return text === "MD5" ? "MD5" : "HMAC-SHA256";
}

describe("sign, published examples", () => {
  const complete = [...vectors.vectors, ...vectors.derived].flatMap((vector) =>
    "string_to_sign" in vector && vector.string_to_sign !== undefined ? [vector] : [],
  );

  test("has all seven examples", () => {
    expect(complete).toHaveLength(7);
  });

  test.each(complete)("matches $name", async (vector) => {
    const fields = fieldsOf(vector.params);
    const signType = typeOf(vector.sign_type);
    expect(stringToSign(fields, vector.key)).toBe(vector.string_to_sign);
    expect(await sign(fields, vector.key, signType)).toBe(vector.sign);
    expect(await verifySign(fields.set("sign", vector.sign), vector.key)).toBe(signType);
  });

  test("omits sign and empty values", () => {
    const vector = vectors.vectors.find(({ joined }) => joined !== undefined);
    expect(stringToSign(fieldsOf(vector?.params ?? {}), "k")).toBe(`${vector?.joined}&key=k`);
  });

  test("computes MD5 as the SDKs do", async () => {
    const [ofKey, ofNothing] = vectors.vectors.filter(({ md5_hex }) => md5_hex !== undefined);
    expect(await md5Hex(ofKey?.input ?? "")).toBe(ofKey?.md5_hex);
    const empty = await sign(new Map(), ofNothing?.key ?? "", "MD5");
    expect(empty).toBe(ofNothing?.md5_hex?.toUpperCase());
  });
});

describe("verifySign", () => {
  const fields = { appid: "wx1", body: "中&=+ %41", fee: "0", nonce_str: "n" };

  async function signedWith(
    signType: V2SignType,
    extra: object = {},
  ): Promise<Map<string, string>> {
    const map = fieldsOf({ ...fields, ...extra });
    return map.set("sign", await sign(map, API_KEY, signType));
  }

  test.each(TYPES)("detects %s by the signature's length", async (signType) => {
    expect(await verifySign(await signedWith(signType), API_KEY)).toBe(signType);
    expect(await verifySign(await signedWith(signType), API_KEY, signType)).toBe(signType);
  });

  test("refuses any algorithm but the order's", async () => {
    expect(await verifySign(await signedWith("MD5"), API_KEY, "HMAC-SHA256")).toBeNull();
    expect(await verifySign(await signedWith("HMAC-SHA256"), API_KEY, "MD5")).toBeNull();
  });

  test("refuses a sign_type that isn't the algorithm used", async () => {
    expect(
      await verifySign(await signedWith("MD5", { sign_type: "HMAC-SHA256" }), API_KEY),
    ).toBeNull();
    expect(await verifySign(await signedWith("MD5", { sign_type: "md5" }), API_KEY)).toBeNull();
    expect(await verifySign(await signedWith("MD5", { sign_type: "MD5" }), API_KEY)).toBe("MD5");
  });

  test.each([
    "",
    "0",
    "9A0A8659F005D6984697E2CA0A9CF3B",
    "9A0A8659F005D6984697E2CA0A9CF3B70",
    "中".repeat(32),
    "中".repeat(64),
  ])("refuses %j as a signature", async (signature) => {
    expect(await verifySign(fieldsOf({ ...fields, sign: signature }), API_KEY)).toBeNull();
  });

  test("refuses a missing signature, another key, and lower case", async () => {
    const signed = await signedWith("MD5");
    expect(await verifySign(fieldsOf(fields), API_KEY)).toBeNull();
    expect(await verifySign(signed, `${API_KEY.slice(0, -1)}e`)).toBeNull();
    const lower = (signed.get("sign") ?? "").toLowerCase();
    expect(await verifySign(signed.set("sign", lower), API_KEY)).toBeNull();
  });

  test("refuses a message with any field changed, added or removed", async () => {
    const name = fc.stringMatching(/^[a-z]{1,6}$/).filter((text) => text !== "sign");
    const value = fc.string({ minLength: 1, maxLength: 8 });
    const message = fc.dictionary(name, value, { minKeys: 1, maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(
        message,
        fc.nat(),
        value,
        fc.constantFrom(...TYPES),
        async (params, pick, replacement, signType) => {
          const map = fieldsOf(params);
          const signed = new Map(map).set("sign", await sign(map, API_KEY, signType));
          const changed = [...map.keys()][pick % map.size] ?? "";
          fc.pre(replacement !== map.get(changed));
          expect(await verifySign(signed, API_KEY)).toBe(signType);
          expect(await verifySign(new Map(signed).set(changed, replacement), API_KEY)).toBeNull();
          expect(await verifySign(new Map(signed).set("added", replacement), API_KEY)).toBeNull();
          expect(await verifySign(new Map(signed).set(changed, ""), API_KEY)).toBeNull();
        },
      ),
      { numRuns: 200 },
    );
  });
});
