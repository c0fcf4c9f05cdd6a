/** The five calls that both protocols have, named by the last part of their APIv2 path. */
export const COMMON_CALLS = [
  "unifiedorder",
  "orderquery",
  "closeorder",
  "refund",
  "refundquery",
] as const;
export type CommonCall = (typeof COMMON_CALLS)[number];

/**
 * All calls, with the same names in both protocols. `billfile` is the download of a bill's file, which
 * is a separate call in APIv3.
 */
export const API_CALLS = [...COMMON_CALLS, "certificates", "downloadbill", "billfile"] as const;
export type ApiCall = (typeof API_CALLS)[number];

/** Faults of an APIv3 message that spoil its signature only. */
export const SIGNATURE_FAULTS = [
  "probe",
  "wrong-clock",
  "unknown-serial",
  "other-body",
  "missing-header",
] as const;
export type SignatureFault = (typeof SIGNATURE_FAULTS)[number];

/** Faults of a call. `…-after` faults execute the call before they fail it. */
export const CALL_FAULTS = [
  "no-answer",
  "no-answer-after",
  "drop-before",
  "drop-after",
  "http-500",
  "http-500-after",
  "systemerror",
  "systemerror-after",
  "wrong-signature",
  "unsigned",
  "html-page",
  "slow",
  "refuse",
  "wrong-amount",
  "wrong-merchant",
  "wrong-app",
  ...SIGNATURE_FAULTS,
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

/** Kinds of notifications: of a payment or of a refund. */
export const NOTIFICATION_KINDS = ["pay", "refund"] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** Faults of a notification. They apply to every attempt to deliver it. */
export const NOTIFICATION_FAULTS = [
  "late",
  "twice",
  "before-its-time",
  "wrong-amount",
  "wrong-merchant",
  "wrong-app",
  "forged",
  "unsigned",
  "never",
  "truncated",
  ...SIGNATURE_FAULTS,
] as const;
export type NotificationFault = (typeof NOTIFICATION_FAULTS)[number];

/** Faults of the lines of a bill. */
export const BILL_LINE_FAULTS = ["missing-line", "wrong-amount", "extra-line"] as const;

/** Faults of the file of a bill. */
export const BILL_FILE_FAULTS = ["truncated", "not-gzip", "html-page"] as const;
export type BillFileFault = (typeof BILL_FILE_FAULTS)[number];

/** Faults of a bill, in either protocol. */
export const BILL_FAULTS = [
  ...BILL_LINE_FAULTS,
  "creating",
  ...BILL_FILE_FAULTS,
  "wrong-hash",
] as const;
export type BillFault = (typeof BILL_FAULTS)[number];

/** The headers of an APIv3 signature; the fault `missing-header` omits one of them. */
export const SIGNATURE_HEADERS = [
  "Wechatpay-Timestamp",
  "Wechatpay-Nonce",
  "Wechatpay-Signature",
  "Wechatpay-Serial",
] as const;
export type SignatureHeader = (typeof SIGNATURE_HEADERS)[number];

const V3_ONLY_FAULTS: ReadonlySet<string> = new Set([...SIGNATURE_FAULTS, "truncated"]);

/** Whether a fault exists in APIv3 only, because it needs the signature headers. */
export function isV3Only(fault: CallFault | NotificationFault): boolean {
  return V3_ONLY_FAULTS.has(fault);
}

/** How the signature of an outgoing APIv3 message is tampered with. */
export type Tampering =
  | {
      readonly kind:
        | Exclude<SignatureFault, "missing-header">
        | "forged"
        | "unsigned"
        | "truncated";
    }
  | { readonly kind: "missing-header"; readonly header: SignatureHeader };

const TAMPERING: Readonly<
  Partial<Record<CallFault | NotificationFault, Exclude<Tampering["kind"], "missing-header">>>
> = {
  probe: "probe",
  "wrong-clock": "wrong-clock",
  "unknown-serial": "unknown-serial",
  "other-body": "other-body",
  forged: "forged",
  "wrong-signature": "forged",
  unsigned: "unsigned",
  truncated: "truncated",
};

/** How a fault tampers with the signature of an APIv3 message; null when it doesn't. */
export function tamperingOf(
  fault: CallFault | NotificationFault | null,
  header: SignatureHeader = "Wechatpay-Nonce",
): Tampering | null {
  if (fault === null) return null;
  if (fault === "missing-header") return { kind: fault, header };
  const kind = TAMPERING[fault];
  return kind === undefined ? null : { kind };
}

const ERROR_CODE_FAULTS: ReadonlySet<string> = new Set([
  "refuse",
  "systemerror",
  "systemerror-after",
]);

/** Whether a call fault replaces the response with an error code. */
export function returnsErrorCode(fault: CallFault): boolean {
  return ERROR_CODE_FAULTS.has(fault);
}

/** The merchant and the app that the faults `wrong-merchant` and `wrong-app` name; neither exists. */
export const WRONG_MERCHANT = "1999999999";
export const WRONG_APP = "wx00000000000000ff";
