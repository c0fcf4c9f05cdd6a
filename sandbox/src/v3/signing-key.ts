import { createHash } from "node:crypto";
import type { CertificateStage } from "../ledger/key-modes.ts";
import type { Merchant } from "../ledger/merchants.ts";
import {
  FIRST_CERTIFICATE,
  PUBLIC_KEY,
  SECOND_CERTIFICATE,
  type PlatformCertificate,
  type SandboxKey,
} from "../sandbox-keys.ts";
import { offeredCertificates } from "./certificates.ts";

type KeySettings = Pick<Merchant, "mode" | "certificateStage">;

/**
 * The key that signs a response: that of the request's `Wechatpay-Serial`, when present. Null when
 * the merchant has no such key (W-75).
 */
export function keyForResponse(merchant: KeySettings, keyId: string | null): SandboxKey | null {
  if (keyId !== null) return keysOf(merchant).find(({ id }) => id === keyId) ?? null;
  return merchant.mode.verifyMode === "public-key"
    ? PUBLIC_KEY
    : signingCertificate(merchant.certificateStage);
}

/**
 * The key that signs a notification. While a merchant is switching, the body decides, so that the
 * attempts of a notification have the same key until the percentage exceeds its threshold.
 */
export function keyForNotification(
  { mode, certificateStage }: KeySettings,
  body: string,
): SandboxKey {
  const certificate = signingCertificate(certificateStage);
  switch (mode.verifyMode) {
    case "certificate":
      return certificate;
    case "public-key":
      return PUBLIC_KEY;
    case "switching":
      return permilleOf(body) < mode.switchPercent * 10 ? PUBLIC_KEY : certificate;
  }
}

/** The certificate that signs when the request names no key. */
function signingCertificate(stage: CertificateStage): PlatformCertificate {
  switch (stage) {
    case "first":
    case "second-offered":
      return FIRST_CERTIFICATE;
    case "second-signs":
    case "second-only":
      return SECOND_CERTIFICATE;
  }
}

function keysOf({ mode, certificateStage }: KeySettings): readonly SandboxKey[] {
  switch (mode.verifyMode) {
    case "certificate":
      return offeredCertificates(certificateStage);
    case "public-key":
      return [PUBLIC_KEY];
    case "switching":
      return [...offeredCertificates(certificateStage), PUBLIC_KEY];
  }
}

/** A number from 0 to 999, fixed by the body. */
function permilleOf(body: string): number {
  return createHash("sha256").update(body, "utf8").digest().readUInt32BE(0) % 1000;
}
