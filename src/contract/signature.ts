import type { Parameters } from "./parameter-set.ts";
import { renderForSigning, renderings } from "./renderings.ts";
import { sha1Hex } from "./sha1.ts";

export { renderings, renderPhp } from "./renderings.ts";

/** A sign's form: SHA-1 in hex, of either case. */
export const SIGN = /^[0-9a-fA-F]{40}$/;

/**
 * Whether `sign` is the signature of `parameters` with one of the app's salts (two during a
 * rotation). Contract: signature. A `sign` that isn't 40 hex characters is simply wrong.
 */
export async function verifySignature(
  parameters: Parameters,
  sign: string,
  salts: readonly string[],
): Promise<boolean> {
  if (!SIGN.test(sign)) return false;
  const strings = renderings(parameters);
  const expected = await Promise.all(
    salts.flatMap((salt) => strings.map(async (text) => await sha1Hex(salt + text + salt))),
  );
  // Every candidate is compared to its end: the time tells neither how much of a forged sign was
  // right, nor which salt or rendering it came near to.
  const given = sign.toLowerCase();
  return expected.reduce((matched, candidate) => isSame(candidate, given) || matched, false);
}

/** Signs `parameters` (a `sign` among them is left out) as the gateway does: PHP's rendering. */
export async function signParameters(parameters: Parameters, salt: string): Promise<string> {
  return await sha1Hex(salt + renderForSigning(parameters) + salt);
}

/** Compares two hex digests of the same length in constant time. */
function isSame(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let at = 0; at < left.length; at += 1) {
    difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  }
  return difference === 0;
}
