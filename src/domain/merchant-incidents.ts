import type { IncidentKind } from "./incidents.ts";

/** The incidents that keep a merchant from working: at most one open of each kind. */
export const MERCHANT_INCIDENT_KINDS = [
  "merchant_key_refused",
  "merchant_refused",
  "merchant_balance_low",
  "merchant_certificate_refused",
  "merchant_api_v3_key_wrong",
  "merchant_public_key_missing",
] as const satisfies readonly IncidentKind[];

export type MerchantIncidentKind = (typeof MERCHANT_INCIDENT_KINDS)[number];

/** Whether incidents of this kind are a merchant's. */
export function isMerchantIncident(kind: IncidentKind): kind is MerchantIncidentKind {
  return MERCHANT_INCIDENT_KINDS.some((known) => known === kind);
}

/** The subject of a merchant's incident of any kind. */
export function merchantSubject(merchantId: number): string {
  return `merchant:${merchantId}`;
}

/** The part of WeChat's answer to a call that says whether the merchant can work. */
export interface CallAnswer {
  readonly kind: string;
  /** Of a refusal. */
  readonly code?: string;
  readonly message?: string;
  readonly blame?: string;
  /** Of an unknown outcome: the answer's signature couldn't be verified. */
  readonly unverified?: "signature" | "public-key";
}

/**
 * The incident that an answer opens; null for none. An answer without a right signature is unknown,
 * but it comes from WeChat, which TLS authenticates: one of the keys has changed.
 *
 * @param api the call's name in the log
 */
export function incidentOfAnswer(api: string, answer: CallAnswer): MerchantIncidentKind | null {
  const { kind, code = "", message = "", blame, unverified } = answer;
  if (unverified !== undefined) {
    return unverified === "public-key" ? "merchant_public_key_missing" : "merchant_key_refused";
  }
  if (kind !== "refused" || blame !== "merchant") return null;
  switch (code.replaceAll("_", "")) {
    case "SIGNERROR":
      return "merchant_key_refused";
    case "CERTERROR":
    case "NOCERTIFICATE":
      return "merchant_certificate_refused";
    case "NOTENOUGH":
      return api === "refund" ? "merchant_balance_low" : "merchant_refused";
    case "FAIL":
      return incidentOfText(message);
    default:
      return "merchant_refused";
  }
}

/** APIv2 names many faults in a text alone (W-03). */
function incidentOfText(message: string): MerchantIncidentKind {
  if (/证书|certificate/i.test(message)) return "merchant_certificate_refused";
  return /签名|sign/i.test(message) ? "merchant_key_refused" : "merchant_refused";
}

/** Answers that are verified, which proves the keys of both sides. */
const VERIFIED: ReadonlySet<string> = new Set(["prepared", "waiting", "paid", "accepted", "found"]);

/** The incidents whose cause an answer shows to be gone. */
export function incidentsResolvedBy(
  api: string,
  { kind }: CallAnswer,
  hasPublicKey: boolean,
): MerchantIncidentKind[] {
  if (kind === "refused" || kind === "unknown") return [];
  const resolved: MerchantIncidentKind[] = ["merchant_refused"];
  if (VERIFIED.has(kind)) resolved.push("merchant_key_refused");
  if (VERIFIED.has(kind) && hasPublicKey) resolved.push("merchant_public_key_missing");
  if (api === "refund") resolved.push("merchant_balance_low", "merchant_certificate_refused");
  return resolved;
}

/** What `/health` says about an open incident of a merchant. */
export function warningOf(kind: MerchantIncidentKind, merchantId: number | null): string {
  return `merchant ${merchantId ?? "?"}: ${WARNINGS[kind]} (${kind})`;
}

const WARNINGS: Readonly<Record<MerchantIncidentKind, string>> = {
  merchant_key_refused: "its key is no longer the one that WeChat has",
  merchant_refused: "WeChat refuses its calls for want of a right or a binding",
  merchant_balance_low: "its refunds are refused for want of balance",
  merchant_certificate_refused: "its client certificate is missing or refused",
  merchant_api_v3_key_wrong: "WeChat's messages don't decrypt under its APIv3 key",
  merchant_public_key_missing: "WeChat signs with a public key that isn't entered",
};
