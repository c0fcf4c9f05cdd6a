import { err, ok, type Result } from "../../lib/result.ts";
import type { RequestSignatureFault } from "./fault.ts";
import { readDictionary } from "./signature-input.ts";
import type { Dictionary } from "./structured-fields.ts";

/** RFC 9530, 5: the algorithms that resist collisions, and what WebCrypto calls them. */
const ALGORITHMS = { "sha-256": "SHA-256", "sha-512": "SHA-512" } as const;

type DigestAlgorithm = keyof typeof ALGORITHMS;

/**
 * Checks `Content-Digest` (RFC 9530, 2) over the body's bytes as received. Requires sha-256, so that
 * a request with nothing but a broken algorithm isn't protected by name only; checks sha-512 too if
 * it is there; ignores other algorithms.
 */
export async function checkContentDigest(
  headers: Headers,
  body: Uint8Array,
): Promise<Result<null, RequestSignatureFault>> {
  const digests = readDictionary(headers, "Content-Digest");
  if (!digests.ok) return digests;
  if (!digests.value.has("sha-256")) return err({ kind: "digest-missing" });

  const sha256 = await checkDigest(digests.value, "sha-256", body);
  if (!sha256.ok || !digests.value.has("sha-512")) return sha256;
  return await checkDigest(digests.value, "sha-512", body);
}

async function checkDigest(
  digests: Dictionary,
  algorithm: DigestAlgorithm,
  body: Uint8Array,
): Promise<Result<null, RequestSignatureFault>> {
  const member = digests.get(algorithm);
  if (member?.kind !== "item" || member.value.type !== "bytes") {
    return err({ kind: "field-malformed", field: "Content-Digest" });
  }
  const computed = await crypto.subtle.digest(ALGORITHMS[algorithm], body);
  return isSame(new Uint8Array(computed), member.value.value)
    ? ok(null)
    : err({ kind: "digest", algorithm });
}

/** Not in constant time: the caller can compute the digest of its own body. */
function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
