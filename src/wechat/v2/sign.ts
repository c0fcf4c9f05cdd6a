import type { SignType, V2SignType } from "../types.ts";

/** Hex characters of a signature, which identify its algorithm. */
const MD5_LENGTH = 32;
const HMAC_SHA256_LENGTH = 64;

/**
 * The signed text (W-09): all fields except `sign` and empty ones, unescaped, sorted by name in byte
 * order, then the key. `0` isn't empty.
 *
 * Names are ASCII, so comparing UTF-16 code units equals comparing bytes.
 */
export function stringToSign(fields: ReadonlyMap<string, string>, apiKey: string): string {
  const pairs = [...fields]
    .filter(([name, value]) => name !== "sign" && value !== "")
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
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
  // The key is the HMAC's secret and also the end of its text.
  const hex = signType === "MD5" ? await md5Hex(text) : await hmacSha256Hex(text, apiKey);
  return hex.toUpperCase();
}

/**
 * Verifies a message's signature. Returns its algorithm, or null when the message is unsigned,
 * wrongly signed, or names another algorithm in `sign_type`.
 *
 * The signature's length determines the algorithm, since replies may lack `sign_type`.
 *
 * @param allowed the stored order's algorithm, if known: another one is a downgrade and isn't even
 *   computed. If it isn't known, the caller compares the result.
 */
export async function verifySign(
  fields: ReadonlyMap<string, string>,
  apiKey: string,
  allowed?: SignType,
): Promise<V2SignType | null> {
  const actual = fields.get("sign") ?? "";
  const signType = algorithmOf(actual);
  if (signType === null || (allowed !== undefined && signType !== allowed)) return null;
  const declared = fields.get("sign_type") ?? "";
  if (declared !== "" && declared !== signType) return null;
  const expected = await sign(fields, apiKey, signType);
  return equalInConstantTime(actual, expected) ? signType : null;
}

/** The algorithm of an APIv2 order; throws for RSA, which is never stored with one. */
export function v2SignType(signType: SignType): V2SignType {
  if (signType === "RSA") throw new Error("an APIv2 order isn't signed with RSA");
  return signType;
}

function algorithmOf(signature: string): V2SignType | null {
  if (signature.length === MD5_LENGTH) return "MD5";
  if (signature.length === HMAC_SHA256_LENGTH) return "HMAC-SHA256";
  return null;
}

/** A comparison that stops at the first difference would show a forger how much is right. */
function equalInConstantTime(actual: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const a = encoder.encode(actual);
  const b = encoder.encode(expected);
  return a.byteLength === b.byteLength && crypto.subtle.timingSafeEqual(a, b);
}

/** Lower-case hex. WeChat's protocol requires MD5; nothing else here may use it. */
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
