import type { SignType, V2SignType } from "../types.ts";

/** Hex characters of a signature, by which its algorithm is told. */
const MD5_LENGTH = 32;
const HMAC_SHA256_LENGTH = 64;

/**
 * The text that is signed (W-09): every field but `sign` whose value
 * isn't empty, raw, sorted by name in byte order, then the key. `0` is a value like any other.
 *
 * Names are ASCII in every message, so comparing UTF-16 units is comparing bytes.
 */
export function stringToSign(fields: ReadonlyMap<string, string>, apiKey: string): string {
  const pairs = [...fields]
    .filter(([name, value]) => name !== "sign" && value !== "")
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return `${pairs.join("&")}&key=${apiKey}`;
}

/** The signature of a message: upper-case hex, 32 characters for MD5, 64 for HMAC-SHA256. */
export async function sign(
  fields: ReadonlyMap<string, string>,
  apiKey: string,
  signType: V2SignType,
): Promise<string> {
  const text = stringToSign(fields, apiKey);
  // The key is the HMAC's secret and, all the same, the end of its text.
  const hex = signType === "MD5" ? await md5Hex(text) : await hmacSha256Hex(text, apiKey);
  return hex.toUpperCase();
}

/**
 * Which algorithm a message is rightly signed with, or null when it is unsigned, wrongly signed, or
 * names another algorithm in `sign_type` than the one that fits.
 *
 * The length tells the algorithm, since replies may lack `sign_type`.
 *
 * @param allowed the stored order's algorithm where it is known: another one is a downgrade and
 *   isn't even computed. Where it isn't known, the caller compares the result.
 */
export async function verifySign(
  fields: ReadonlyMap<string, string>,
  apiKey: string,
  allowed?: SignType,
): Promise<V2SignType | null> {
  const given = fields.get("sign") ?? "";
  const signType = algorithmOf(given);
  if (signType === null || (allowed !== undefined && signType !== allowed)) return null;
  const named = fields.get("sign_type") ?? "";
  if (named !== "" && named !== signType) return null;
  const right = await sign(fields, apiKey, signType);
  return sameInConstantTime(given, right) ? signType : null;
}

/** The algorithm of an order that speaks APIv2; another one can't be stored with it. */
export function v2SignType(signType: SignType): V2SignType {
  if (signType === "RSA") throw new Error("an order of APIv2 isn't signed by RSA");
  return signType;
}

function algorithmOf(given: string): V2SignType | null {
  if (given.length === MD5_LENGTH) return "MD5";
  if (given.length === HMAC_SHA256_LENGTH) return "HMAC-SHA256";
  return null;
}

/** A comparison that stops at the first difference would tell a forger how far he got. */
function sameInConstantTime(given: string, right: string): boolean {
  const encoder = new TextEncoder();
  const one = encoder.encode(given);
  const other = encoder.encode(right);
  return one.byteLength === other.byteLength && crypto.subtle.timingSafeEqual(one, other);
}

/** Lower-case hex. MD5 because WeChat's protocol asks for it; nothing else here may use it. */
export async function md5Hex(text: string): Promise<string> {
  return hexOf(await crypto.subtle.digest("MD5", new TextEncoder().encode(text)));
}

async function hmacSha256Hex(text: string, secret: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, [
    "sign",
  ]);
  return hexOf(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
}

function hexOf(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
