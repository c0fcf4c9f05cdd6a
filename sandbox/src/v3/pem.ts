import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import type { MerchantKey } from "../ledger/merchant-keys.ts";

const MODULUS_BITS = 2048;

/** Reads a merchant's key from its certificate (PEM); null when it isn't a valid one of RSA-2048. */
export function readCertificate(pem: string): MerchantKey | null {
  const certificate = tryParse(() => new X509Certificate(pem));
  if (certificate === null) return null;
  const publicKey = toSpki(certificate.publicKey);
  return publicKey === null ? null : { serialNo: certificate.serialNumber, publicKey };
}

/** Normalizes a public key (PEM) to SPKI; null when it isn't a valid one of RSA-2048. */
export function readPublicKey(pem: string): string | null {
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) return null;
  const key = tryParse(() => createPublicKey(pem));
  return key === null ? null : toSpki(key);
}

function toSpki(key: KeyObject): string | null {
  return key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === MODULUS_BITS
    ? key.export({ type: "spki", format: "pem" }).toString()
    : null;
}

/** The result of a parser, or null when it throws. */
function tryParse<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    // The parser throws on invalid input.
    if (error instanceof Error) return null;
    throw error;
  }
}
