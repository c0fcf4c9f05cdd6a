import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import type { MerchantKey } from "../ledger/merchant-keys.ts";

const MODULUS_BITS = 2048;

/** A merchant's key from its certificate (PEM); undefined when it is not one of RSA-2048. */
export function readCertificate(pem: string): MerchantKey | undefined {
  const certificate = attempt(() => new X509Certificate(pem));
  if (certificate === undefined) return undefined;
  const publicKey = spki(certificate.publicKey);
  return publicKey === undefined ? undefined : { serialNo: certificate.serialNumber, publicKey };
}

/** The same public key in PEM (SPKI); undefined when it is not one of RSA-2048. */
export function readPublicKey(pem: string): string | undefined {
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) return undefined;
  const key = attempt(() => createPublicKey(pem));
  return key && spki(key);
}

function spki(key: KeyObject): string | undefined {
  return key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === MODULUS_BITS
    ? key.export({ type: "spki", format: "pem" }).toString()
    : undefined;
}

/** What `read` makes of a text that somebody sent; undefined when it can't be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    // The parser's way to say that the text is not what it should be.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
