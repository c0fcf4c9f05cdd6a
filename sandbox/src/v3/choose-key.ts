import { createHash } from "node:crypto";
import { impossible } from "../exhaustive.ts";
import type { CertificateStage } from "../ledger/key-modes.ts";
import type { Merchant } from "../ledger/merchants.ts";
import {
  FIRST_CERTIFICATE,
  PUBLIC_KEY,
  SECOND_CERTIFICATE,
  type PlatformCertificate,
  type SandboxKey,
} from "../sandbox-keys.ts";

type Keys = Pick<Merchant, "mode" | "certificateStage">;

/** The certificates that `/v3/certificates` offers. */
export function offeredCertificates(stage: CertificateStage): PlatformCertificate[] {
  switch (stage) {
    case "first":
      return [FIRST_CERTIFICATE];
    case "second-offered":
    case "second-signs":
      return [FIRST_CERTIFICATE, SECOND_CERTIFICATE];
    case "second-only":
      return [SECOND_CERTIFICATE];
  }
  return impossible(stage);
}

/** The certificate whose key signs when nobody asks for another one. */
function signingCertificate(stage: CertificateStage): PlatformCertificate {
  return stage === "first" || stage === "second-offered" ? FIRST_CERTIFICATE : SECOND_CERTIFICATE;
}

/**
 * The key for a reply: the one that the request's `Wechatpay-Serial` names. Undefined when the
 * merchant has no such key. WeChat docs: "switching to the WeChat Pay public key".
 */
export function keyForReply(merchant: Keys, named: string | undefined): SandboxKey | undefined {
  if (named !== undefined) return keysOf(merchant).find(({ id }) => id === named);
  return merchant.mode.verifyMode === "public-key"
    ? PUBLIC_KEY
    : signingCertificate(merchant.certificateStage);
}

/**
 * The key for a notification. While a merchant is switching, its share is fixed by the notification's
 * own bytes, so that its repeats come with the same key until the share grows past it.
 */
export function keyForNotification({ mode, certificateStage }: Keys, body: string): SandboxKey {
  const certificate = signingCertificate(certificateStage);
  switch (mode.verifyMode) {
    case "certificate":
      return certificate;
    case "public-key":
      return PUBLIC_KEY;
    case "switching":
      return permille(body) < mode.switchPercent * 10 ? PUBLIC_KEY : certificate;
  }
  return impossible(mode);
}

function keysOf({ mode, certificateStage }: Keys): SandboxKey[] {
  switch (mode.verifyMode) {
    case "certificate":
      return offeredCertificates(certificateStage);
    case "public-key":
      return [PUBLIC_KEY];
    case "switching":
      return [...offeredCertificates(certificateStage), PUBLIC_KEY];
  }
  return impossible(mode);
}

function permille(body: string): number {
  return createHash("sha256").update(body, "utf8").digest().readUInt32BE(0) % 1000;
}
