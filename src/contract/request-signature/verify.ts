import { importOnce } from "../../lib/import-once.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { signatureBase, type RequestMessage } from "./components.ts";
import { checkContentDigest } from "./content-digest.ts";
import type { RequestSignatureFault } from "./fault.ts";
import { MAX_CLOCK_SKEW_S, MAX_LIFETIME_S, MAX_SIGNATURE_AGE_S } from "./policy.ts";
import { importRequestKey, verifyWith, type RequestKey } from "./request-key.ts";
import { readSignature, type ClaimedSignature } from "./signature-input.ts";

/** A request with an RFC 9421 signature. The caller limits the body's size. */
export interface SignedRequest extends RequestMessage {
  /** As received: the digest covers the bytes, not what they decode to. */
  readonly body: Uint8Array;
}

/**
 * Verifies the request's signature (RFC 9421, 3.2) with one of the app's registered keys, and the
 * body's digest that it covers. Checks whatever is cheap first: an unverified caller gets no
 * public-key operation before its headers, its key and its times are right.
 *
 * The query is protected only if the app signs `@query`, `@target-uri` or `@request-target`.
 *
 * @param keys each is imported once, when a request names it: pass the same objects each time
 * @param nowAt Unix ms
 * @returns the id of the key that signed. Throws only for a registered key or a public URL that can't
 *   be used, which `importRequestKey` and the configuration should have refused
 */
export async function verifyRequestSignature(
  request: SignedRequest,
  keys: readonly RequestKey[],
  nowAt: number,
): Promise<Result<{ readonly keyId: string }, RequestSignatureFault>> {
  const claimed = readSignature(request.headers);
  if (!claimed.ok) return claimed;
  const { value, keyId, algorithm } = claimed.value;

  const key = keys.find((candidate) => candidate.keyId === keyId);
  if (key === undefined) return err({ kind: "unknown-key" });
  if (algorithm !== null && algorithm !== key.algorithm) return err({ kind: "algorithm" });

  const fault = timeFault(claimed.value, nowAt);
  if (fault !== null) return err(fault);

  const base = signatureBase(request, claimed.value);
  if (!base.ok) return base;

  const digest = await checkContentDigest(request.headers, request.body);
  if (!digest.ok) return digest;

  const verifier = await importOnce(key, async () => await importRegistered(key));
  const isSigned = await verifyWith(key.algorithm, verifier, value, base.value);
  return isSigned ? ok({ keyId }) : err({ kind: "wrong-signature" });
}

async function importRegistered(key: RequestKey): Promise<CryptoKey> {
  const imported = await importRequestKey(key);
  if (imported === null)
    throw new Error(`the registered request key ${key.keyId} can't be imported`);
  return imported;
}

/** What is wrong with `created` and `expires`, which bound how long a captured request is of use. */
function timeFault(
  { created, expires }: ClaimedSignature,
  nowAt: number,
): RequestSignatureFault | null {
  const now = nowAt / 1000;
  if (now - created > MAX_SIGNATURE_AGE_S) return { kind: "too-old" };
  if (created - now > MAX_CLOCK_SKEW_S) return { kind: "in-future" };
  if (expires < created) return { kind: "expires-before-created" };
  if (expires - created > MAX_LIFETIME_S) return { kind: "expires-too-late" };
  if (now > expires) return { kind: "expired" };
  return null;
}
