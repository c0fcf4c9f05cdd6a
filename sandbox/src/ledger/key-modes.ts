/** By which keys WeChat signs for a merchant in APIv3. */
export const VERIFY_MODES = ["certificate", "public-key", "switching"] as const;

/**
 * - `certificate`: platform certificates, as older merchants have them.
 * - `public-key`: the WeChat Pay public key; certificates can't be had.
 * - `switching`: between the two. `switchPercent` of the notifications are signed by the public key.
 */
export type KeyMode =
  | { verifyMode: "certificate" | "public-key" }
  | { verifyMode: "switching"; switchPercent: number };

/** The steps in which WeChat changes a merchant's notifications over, in percent, in about 7 days. */
export const SWITCH_STEPS: readonly number[] = [0.1, 1, 5, 10, 20, 50, 100];

/** How far a merchant's change from the first platform certificate to the second has come. */
export const CERTIFICATE_STAGES = [
  "first",
  "second-offered",
  "second-signs",
  "second-only",
] as const;
export type CertificateStage = (typeof CERTIFICATE_STAGES)[number];

/** What to change of a merchant's keys; the rest stays. */
export interface KeyChange {
  mode?: KeyMode | undefined;
  certificateStage?: CertificateStage | undefined;
}
