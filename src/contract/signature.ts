import * as z from "zod";
import type { Result } from "../lib/result.ts";
import { id, readFields, required } from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import type { Refusal } from "./refusal.ts";
import { renderForSigning, renderings } from "./renderings.ts";
import { sha1Hex } from "./sha1.ts";

export { renderings, renderPhp } from "./renderings.ts";

/** SHA-1 in hex, upper or lower case. */
const SIGN = /^[0-9a-fA-F]{40}$/;

/** The app that a request claims to come from, and its signature, not verified yet. */
export interface Caller {
  readonly appId: number;
  readonly sign: string;
}

const callerSchema = z.object({
  appId: id,
  sign: required((value) => (SIGN.test(value) ? null : "必须是 40 位十六进制的 SHA-1 签名")),
});

/** Contract: `appId` and `sign` of every request. Read first, because `appId` selects the salt. */
export function parseCaller(parameters: Parameters): Result<Caller, Refusal> {
  return readFields(callerSchema, parameters);
}

/**
 * Whether `sign` is the signature of `parameters` with one of the app's salts (two during a
 * rotation). Contract: signature. False for a `sign` that isn't 40 hex characters.
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
  // Compares every candidate to its end: the duration reveals neither how much of a forged sign was
  // right, nor which salt or rendering it nearly matched.
  const received = sign.toLowerCase();
  return expected.reduce((matched, candidate) => isSame(candidate, received) || matched, false);
}

/** Signs `parameters`, except `sign`, in the gateway's own rendering (PHP's). */
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
