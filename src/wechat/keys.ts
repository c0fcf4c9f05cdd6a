import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import { err, ok, type Result } from "../lib/result.ts";
import type { VerifyKey } from "./types.ts";
import { readPem, writePem } from "./pem.ts";

/*
 * Parses keys that the operator enters. On failure: a message that continues the field's name ("must
 * be …") and never contains the value.
 */

/** WeChat's algorithm is SHA256-RSA2048; shorter keys are weaker. */
const MIN_MODULUS_BITS = 2048;
const PUBLIC_KEY_ID = /^PUB_KEY_ID_[0-9A-Za-z]{1,64}$/;
const SERIAL = /^[0-9A-F]{1,40}$/;

export interface PrivateKey {
  /** PKCS#8. */
  readonly pem: string;
  /** SPKI, for comparison with a certificate. */
  readonly publicKeyPem: string;
}

/** The fields of a certificate. */
export interface Certificate {
  /** Upper-case hex. */
  readonly serialNo: string;
  /** SPKI. */
  readonly publicKeyPem: string;
  /** Unix ms. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Reads a merchant's private key, in PKCS#8 (as WeChat's tool writes it) or PKCS#1. */
export function readPrivateKey(text: string): Result<PrivateKey, string> {
  const expected = "must be an unencrypted RSA private key in PEM (apiclient_key.pem)";
  const block = readPem(text);
  const type = PRIVATE_KEY_TYPES.get(block?.label ?? "");
  if (block === null || type === undefined) return err(expected);
  const key = attempt(() => createPrivateKey({ key: Buffer.from(block.der), format: "der", type }));
  if (key === null) return err(expected);
  const publicKey = rsaPublicKey(createPublicKey(key));
  if (!publicKey.ok) return publicKey;
  const der = key.export({ format: "der", type: "pkcs8" });
  return ok({ pem: writePem("PRIVATE KEY", der), publicKeyPem: publicKey.value });
}

const PRIVATE_KEY_TYPES: ReadonlyMap<string, "pkcs8" | "pkcs1"> = new Map([
  ["PRIVATE KEY", "pkcs8"],
  ["RSA PRIVATE KEY", "pkcs1"],
]);

/** Reads an X.509 certificate: WeChat's platform certificate, or the merchant's own. */
export function readCertificate(text: string): Result<Certificate, string> {
  const expected = "must be one X.509 certificate in PEM";
  const block = readPem(text);
  if (block?.label !== "CERTIFICATE") return err(expected);
  const read = attempt(() => {
    const certificate = new X509Certificate(block.der);
    return {
      serialNo: certificate.serialNumber.toUpperCase(),
      publicKey: rsaPublicKey(certificate.publicKey),
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    };
  });
  if (read === null || Number.isNaN(read.notBefore) || Number.isNaN(read.notAfter)) {
    return err(expected);
  }
  const { publicKey, ...facts } = read;
  return publicKey.ok ? ok({ ...facts, publicKeyPem: publicKey.value }) : publicKey;
}

/**
 * Reads a key that verifies WeChat's signatures. `id` is the value of `Wechatpay-Serial`: a platform
 * certificate's serial number, or `PUB_KEY_ID_…` for a public key.
 */
export function readVerifyKey(id: string, text: string): Result<VerifyKey, string> {
  return PUBLIC_KEY_ID.test(id) ? readPublicKey(id, text) : readPlatformCertificate(id, text);
}

function readPublicKey(id: string, text: string): Result<VerifyKey, string> {
  const expected = "must be WeChat Pay's RSA public key in PEM (pub_key.pem)";
  const block = readPem(text);
  if (block?.label !== "PUBLIC KEY") return err(expected);
  const key = attempt(() =>
    createPublicKey({ key: Buffer.from(block.der), format: "der", type: "spki" }),
  );
  if (key === null) return err(expected);
  const publicKey = rsaPublicKey(key);
  if (!publicKey.ok) return publicKey;
  const { value: publicKeyPem } = publicKey;
  return ok({ id, kind: "public-key", publicKeyPem, notBefore: null, notAfter: null });
}

function readPlatformCertificate(id: string, text: string): Result<VerifyKey, string> {
  const certificate = readCertificate(text);
  if (!certificate.ok) return certificate;
  const { serialNo, ...facts } = certificate.value;
  if (!isSameSerial(id, serialNo)) return err("is a certificate with another serial number");
  return ok({ id, kind: "certificate", ...facts });
}

/** Whether a text has the form of a verifying key's id: a serial number, or `PUB_KEY_ID_…`. */
export function isVerifyKeyId(id: string): boolean {
  return PUBLIC_KEY_ID.test(id) || SERIAL.test(id);
}

/** Whether two serial numbers are equal; some tools omit leading zeros. */
export function isSameSerial(a: string, b: string): boolean {
  return normalizedSerial(a) === normalizedSerial(b);
}

function normalizedSerial(serial: string): string {
  return serial.toUpperCase().replace(/^0+/, "");
}

function rsaPublicKey(key: KeyObject): Result<string, string> {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa" || modulusLength < MIN_MODULUS_BITS) {
    return err(`must be an RSA key of at least ${MIN_MODULUS_BITS} bits`);
  }
  return ok(writePem("PUBLIC KEY", key.export({ format: "der", type: "spki" })));
}

/** The result of node:crypto's parser, or null when it throws. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
