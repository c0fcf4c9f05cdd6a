/** The modes by which WeChat chooses its signing key for a merchant in APIv3. */
export const VERIFY_MODES = ["certificate", "public-key", "switching"] as const;

/**
 * - `certificate`: platform certificates, as for older merchants.
 * - `public-key`: the WeChat Pay public key; there are no certificates.
 * - `switching`: from the former to the latter. The public key signs `switchPercent` percent of the
 *   notifications.
 */
export type KeyMode =
  | { readonly verifyMode: "certificate" | "public-key" }
  | { readonly verifyMode: "switching"; readonly switchPercent: number };

/** The steps, in percent, by which WeChat switches a merchant's notifications within about 7 days. */
export const SWITCH_STEPS: readonly number[] = [0.1, 1, 5, 10, 20, 50, 100];

/** The stages of a rotation from the first platform certificate to the second. */
export const CERTIFICATE_STAGES = [
  "first",
  "second-offered",
  "second-signs",
  "second-only",
] as const;
export type CertificateStage = (typeof CERTIFICATE_STAGES)[number];

/** Changes to the keys that WeChat signs with for a merchant; null leaves one as it is. */
export interface KeyChange {
  readonly mode: KeyMode | null;
  readonly certificateStage: CertificateStage | null;
}
