import { decodeBase64 } from "./structured-fields.ts";

/** RFC 9421, 6.2.2: the names by which `alg` calls the algorithms. */
export const REQUEST_KEY_ALGORITHMS = ["ed25519", "hmac-sha256"] as const;

export type RequestKeyAlgorithm = (typeof REQUEST_KEY_ALGORITHMS)[number];

/** A key that an app signs its requests with, as it was registered. */
export interface RequestKey {
  /** Unique among the app's keys. */
  readonly keyId: string;
  readonly algorithm: RequestKeyAlgorithm;
  /** Ed25519: the public key, SPKI in PEM. HMAC-SHA256: the secret, the base64 of 32 bytes. */
  readonly material: string;
}

/** RFC 2104, 3: as long as the hash; shorter secrets weaken it, longer ones add nothing. */
const HMAC_KEY_BYTES = 32;

/**
 * RFC 8410, 4: an Ed25519 key's SPKI begins with these bytes, and 32 of the key follow. Checked here
 * because workerd imports an X25519 key, which differs in one of them, as an Ed25519 key.
 */
const ED25519_SPKI_PREFIX = [
  0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const ED25519_SPKI_BYTES = 44;

const SIGNATURE_BYTES: Readonly<Record<RequestKeyAlgorithm, number>> = {
  ed25519: 64,
  "hmac-sha256": 32,
};

const PEM = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,200})-----END PUBLIC KEY-----$/;

/**
 * Imports a key for verification only. Null when its material isn't in its algorithm's form, such as
 * a private key in PEM, a key of another curve or a secret of another length.
 */
export async function importRequestKey({
  algorithm,
  material,
}: Pick<RequestKey, "algorithm" | "material">): Promise<CryptoKey | null> {
  switch (algorithm) {
    case "ed25519":
      return await importEd25519(material);
    case "hmac-sha256":
      return await importHmac(material);
  }
}

/**
 * Whether `signature` is the key's signature of `base` (RFC 9421, 3.3.3 and 3.3.6). The runtime
 * compares a MAC in constant time. The algorithm is the key's own: an attacker who could choose it
 * would use the public key as a shared secret (7.3.6).
 */
export async function verifyWith(
  algorithm: RequestKeyAlgorithm,
  key: CryptoKey,
  signature: Uint8Array<ArrayBuffer>,
  base: string,
): Promise<boolean> {
  // workerd throws for an Ed25519 signature of another length, instead of returning false.
  if (signature.length !== SIGNATURE_BYTES[algorithm]) return false;
  return await crypto.subtle.verify(
    key.algorithm.name,
    key,
    signature,
    new TextEncoder().encode(base),
  );
}

async function importEd25519(pem: string): Promise<CryptoKey | null> {
  const [, base64 = ""] = PEM.exec(pem.trim()) ?? [];
  const der = decodeBase64(base64.replaceAll(/\s/g, ""));
  if (der?.length !== ED25519_SPKI_BYTES) return null;
  if (!ED25519_SPKI_PREFIX.every((byte, at) => byte === der[at])) return null;
  return await crypto.subtle.importKey("spki", der, { name: "Ed25519" }, false, ["verify"]);
}

async function importHmac(base64: string): Promise<CryptoKey | null> {
  const secret = decodeBase64(base64);
  if (secret?.length !== HMAC_KEY_BYTES) return null;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
}
