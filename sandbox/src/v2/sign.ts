import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Field } from "./xml.ts";

/** The two algorithms of APIv2, with the exact values of `sign_type`. */
export const SIGN_TYPES = ["MD5", "HMAC-SHA256"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

/** Parses a `sign_type`, MD5 when absent (null) or empty; null when WeChat Pay doesn't know it. */
export function parseSignType(value: string | null): SignType | null {
  if (value === null || value === "") return "MD5";
  return SIGN_TYPES.find((it) => it === value) ?? null;
}

/**
 * `name=value` pairs joinFields by `&` in ASCII order of the names, without `sign` and empty values, then
 * `&key=` and the key (W-09).
 */
export function stringToSign(fields: Iterable<Field>, key: string): string {
  return joinFields(fields) + "&key=" + key;
}

/** {@link stringToSign} without the key. */
export function joinFields(fields: Iterable<Field>): string {
  return [...fields]
    .filter(([name, value]) => name !== "sign" && value !== "")
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** The sign of a message: 32 (MD5) or 64 (HMAC-SHA256) upper-case hex digits. */
export function sign(fields: Iterable<Field>, key: string, signType: SignType): string {
  const text = stringToSign(fields, key);
  const hash = signType === "MD5" ? createHash("md5") : createHmac("sha256", key);
  return hash.update(text, "utf8").digest("hex").toUpperCase();
}

/** Whether `signature` is the sign of the message, compared in constant time. */
export function verifySign(
  signature: string,
  fields: Iterable<Field>,
  key: string,
  signType: SignType,
): boolean {
  const expected = new TextEncoder().encode(sign(fields, key, signType));
  const actual = new TextEncoder().encode(signature);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
