/** The five calls that both protocols have, by the last part of their path in APIv2. */
export const COMMON_CALLS = [
  "unifiedorder",
  "orderquery",
  "closeorder",
  "refund",
  "refundquery",
] as const;
export type CommonCall = (typeof COMMON_CALLS)[number];

/**
 * All calls: a fault finds a call by the same name in either protocol. `billfile` is the download
 * that APIv3 has beside asking for a bill.
 */
export const API_CALLS = [...COMMON_CALLS, "certificates", "downloadbill", "billfile"] as const;
export type ApiCall = (typeof API_CALLS)[number];

/** What can be wrong with the signature of an APIv3 message, and with nothing else. */
export const SIGNATURE_FAULTS = [
  "probe",
  "wrong-clock",
  "unknown-serial",
  "other-body",
  "missing-header",
] as const;
export type SignatureFault = (typeof SIGNATURE_FAULTS)[number];

/** What can go wrong with a call; `-after` and `drop-after` act first and then go wrong. */
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

export const NOTIFICATION_KINDS = ["pay", "refund"] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** What can go wrong with a notification: with all its attempts, not with one of them. */
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

/** What can be wrong with the lines of a bill. */
export const BILL_LINE_FAULTS = ["missing-line", "wrong-amount", "extra-line"] as const;

/** What can be wrong with the file of a bill. */
export const BILL_DAMAGES = ["truncated", "not-gzip", "html-page"] as const;
export type BillDamage = (typeof BILL_DAMAGES)[number];

/** What can be wrong with a bill: with what is in it, in either protocol. */
export const BILL_FAULTS = [
  ...BILL_LINE_FAULTS,
  "creating",
  ...BILL_DAMAGES,
  "wrong-hash",
] as const;
export type BillFault = (typeof BILL_FAULTS)[number];

/** The headers that sign an APIv3 message, any of which `missing-header` can leave out. */
export const SIGNATURE_HEADERS = [
  "Wechatpay-Timestamp",
  "Wechatpay-Nonce",
  "Wechatpay-Signature",
  "Wechatpay-Serial",
] as const;
export type SignatureHeader = (typeof SIGNATURE_HEADERS)[number];

const ONLY_IN_V3: ReadonlySet<string> = new Set([...SIGNATURE_FAULTS, "truncated"]);

/** Whether a fault needs the headers of APIv3: it leaves APIv2 alone. */
export function onlyInV3(fault: CallFault | NotificationFault): boolean {
  return ONLY_IN_V3.has(fault);
}

/** What is done to the signature of an APIv3 message on its way out. */
export type Treatment =
  | { kind: Exclude<SignatureFault, "missing-header"> | "forged" | "unsigned" | "truncated" }
  | { kind: "missing-header"; header: SignatureHeader };

const TREATMENTS: Readonly<
  Partial<Record<CallFault | NotificationFault, Exclude<Treatment["kind"], "missing-header">>>
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

/** What a fault does to the signature of an APIv3 message; undefined when it leaves it alone. */
export function treatmentOf(
  fault: CallFault | NotificationFault | undefined,
  header: SignatureHeader = "Wechatpay-Nonce",
): Treatment | undefined {
  if (fault === "missing-header") return { kind: fault, header };
  const kind = fault && TREATMENTS[fault];
  return kind && { kind };
}

const ANSWERS_A_CODE: ReadonlySet<string> = new Set(["refuse", "systemerror", "systemerror-after"]);

/** Whether a call fault puts a failure of a code in the place of the answer. */
export function answersACode(fault: CallFault): boolean {
  return ANSWERS_A_CODE.has(fault);
}
