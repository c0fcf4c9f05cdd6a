import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { refundCipherKey } from "../src/v2/cipher.ts";
import {
  joined,
  sign,
  signMatches,
  signTypeOf,
  stringToSign,
  type SignType,
} from "../src/v2/sign.ts";
import vectors from "./vectors/v2-sign.json";

interface SignVector {
  name: string;
  params: Record<string, string>;
  key: string;
  sign_type: string;
  string_to_sign: string;
  sign: string;
}

const [md5, hmac, dropped, cipherKey, emptyMessage] = vectors.vectors;
const signVectors: SignVector[] = [md5, hmac, ...vectors.derived].flatMap((it) =>
  it?.params && it.key && it.sign && it.sign_type && it.string_to_sign
    ? [
        {
          name: it.name,
          params: it.params,
          key: it.key,
          sign_type: it.sign_type,
          string_to_sign: it.string_to_sign,
          sign: it.sign,
        },
      ]
    : [],
);

test("every sign vector is used", () => {
  expect(signVectors).toHaveLength(2 + vectors.derived.length);
});

describe.each(signVectors)("$name", (vector) => {
  const fields = Object.entries(vector.params);
  const signType = signTypeOf(vector.sign_type) ?? fail();

  test("the string to sign", () => {
    expect(stringToSign(fields, vector.key)).toBe(vector.string_to_sign);
  });

  test("the sign", () => {
    expect(sign(fields, vector.key, signType)).toBe(vector.sign);
    expect(signMatches(vector.sign, fields, vector.key, signType)).toBe(true);
  });

  test("no other sign matches", () => {
    expect(signMatches(vector.sign.toLowerCase(), fields, vector.key, signType)).toBe(false);
    expect(signMatches("", fields, vector.key, signType)).toBe(false);
    expect(signMatches(vector.sign, [...fields, ["more", "1"]], vector.key, signType)).toBe(false);
  });
});

test("sign and empty values are dropped", () => {
  const params = Object.entries(dropped?.params ?? {}).map(([k, v]) => [k, String(v)] as const);
  expect(joined(params)).toBe(dropped?.joined);
});

test("the key of refund notifications is the lower-case MD5 of the API key", () => {
  expect(refundCipherKey(cipherKey?.input ?? "")).toBe(cipherKey?.md5_hex);
});

test("nothing but the key is signed when there is nothing to sign", () => {
  const text = stringToSign([], emptyMessage?.key ?? "");
  expect(createHash("md5").update(text).digest("hex")).toBe(emptyMessage?.md5_hex);
});

test.each<[string | undefined, SignType | undefined]>([
  [undefined, "MD5"],
  ["", "MD5"],
  ["MD5", "MD5"],
  ["HMAC-SHA256", "HMAC-SHA256"],
  ["md5", undefined],
  ["hmac_sha256", undefined],
  ["HMAC_SHA256", undefined],
  ["hmac-sha256", undefined],
])("sign_type %j means %j", (value, signType) => {
  expect(signTypeOf(value)).toBe(signType);
});

function fail(): never {
  throw new Error("a vector has an unknown sign type");
}
