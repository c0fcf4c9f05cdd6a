import * as z from "zod";
import { concatenate } from "../lib/bytes.ts";
import type { Result } from "../lib/result.ts";
import { id, readFields, required } from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import type { Refusal } from "./refusal.ts";
import { renderForSigning, signedStrings } from "./renderings.ts";
import { sha1Hex } from "./sha1.ts";

export { renderings, renderPhp } from "./renderings.ts";

const encoder = new TextEncoder();

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
  return readFields(callerSchema, Object.keys(callerSchema.shape), parameters);
}

/** The app that a request claims to come from, for the log; null when it names none. */
export function claimedAppOf(parameters: Parameters): number | null {
  const read = id.safeParse(parameters.get("appId"));
  return read.success ? read.data : null;
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
  const received = sign.toLowerCase();
  const saltBytes = salts.map((salt) => encoder.encode(salt));
  for (const text of signedStrings(parameters)) {
    for (const salt of saltBytes) {
      const expected = await sha1Hex(concatenate([salt, text, salt]));
      // Each comparison takes the same time: it doesn't reveal how much of a forged sign was right. A
      // right one shows by its time which candidate it matched, which its sender knows.
      if (isSame(expected, received)) return true;
    }
  }
  return false;
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
