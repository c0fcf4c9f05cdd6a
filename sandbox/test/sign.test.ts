import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { refundCipherKey } from "../src/v2/notifications.ts";
import {
  joinFields,
  parseSignType,
  sign,
  stringToSign,
  verifySign,
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

test("all sign vectors are used", () => {
  expect(signVectors).toHaveLength(2 + vectors.derived.length);
});

describe.each(signVectors)("sign vector $name", (vector) => {
  const fields = Object.entries(vector.params);
  const signType = parseSignType(vector.sign_type) ?? fail();

  test("has the same string to sign", () => {
    expect(stringToSign(fields, vector.key)).toBe(vector.string_to_sign);
  });

  test("has the same sign, which verifies", () => {
    expect(sign(fields, vector.key, signType)).toBe(vector.sign);
    expect(verifySign(vector.sign, fields, vector.key, signType)).toBe(true);
  });

  test("refuses any other sign", () => {
    expect(verifySign(vector.sign.toLowerCase(), fields, vector.key, signType)).toBe(false);
    expect(verifySign("", fields, vector.key, signType)).toBe(false);
    expect(verifySign(vector.sign, [...fields, ["more", "1"]], vector.key, signType)).toBe(false);
  });
});

test("joinFields omits sign and empty values", () => {
  const params = Object.entries(dropped?.params ?? {}).map(([k, v]) => [k, String(v)] as const);
  expect(joinFields(params)).toBe(dropped?.joined);
});

test("refundCipherKey is the lower-case MD5 of the API key", () => {
  expect(refundCipherKey(cipherKey?.input ?? "")).toBe(cipherKey?.md5_hex);
});

test("stringToSign consists of the key alone without fields", () => {
  const text = stringToSign([], emptyMessage?.key ?? "");
  expect(createHash("md5").update(text).digest("hex")).toBe(emptyMessage?.md5_hex);
});

test.each<[string | null, SignType | null]>([
  [null, "MD5"],
  ["", "MD5"],
  ["MD5", "MD5"],
  ["HMAC-SHA256", "HMAC-SHA256"],
  ["md5", null],
  ["hmac_sha256", null],
  ["HMAC_SHA256", null],
  ["hmac-sha256", null],
])("parseSignType parses %j as %j", (value, signType) => {
  expect(parseSignType(value)).toBe(signType);
});

function fail(): never {
  throw new Error("a vector has an unknown sign type");
}
