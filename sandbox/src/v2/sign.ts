import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** The two algorithms of APIv2; `sign_type` is spelled exactly so, MD5 when absent. */
export type SignType = "MD5" | "HMAC-SHA256";

/** The fields of a message, in the order in which they are to be written. */
export type Fields = Iterable<readonly [string, string]>;

/** The sign type a `sign_type` value names; undefined when WeChat Pay would not know it. */
export function signTypeOf(value: string | undefined): SignType | undefined {
  if (value === undefined || value === "" || value === "MD5") return "MD5";
  return value === "HMAC-SHA256" ? value : undefined;
}

/**
 * `name=value` joined by `&` in ASCII order of the names, without `sign` and empty values, then
 * `&key=` and the key. WeChat docs: "signature algorithm" (4_3).
 */
export function stringToSign(fields: Fields, key: string): string {
  return joined(fields) + "&key=" + key;
}

/** The signed part of {@link stringToSign} alone. */
export function joined(fields: Fields): string {
  return [...fields]
    .filter(([name, value]) => name !== "sign" && value !== "")
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** The sign of a message: 32 (MD5) or 64 (HMAC-SHA256) upper-case hex digits. */
export function sign(fields: Fields, key: string, signType: SignType): string {
  const text = stringToSign(fields, key);
  const hash = signType === "MD5" ? createHash("md5") : createHmac("sha256", key);
  return hash.update(text, "utf8").digest("hex").toUpperCase();
}

/** Whether `given` is the sign of the message; compares in constant time. */
export function signMatches(
  given: string,
  fields: Fields,
  key: string,
  signType: SignType,
): boolean {
  const expected = new TextEncoder().encode(sign(fields, key, signType));
  const actual = new TextEncoder().encode(given);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
