import { beijingCompact } from "./time.ts";

/** A `transaction_id` of a payment: 28 digits that start with 42 and contain the Beijing date. */
export function newTransactionId(at: number): string {
  return `4200${randomDigits(6)}${beijingCompact(at).slice(0, 8)}${randomDigits(10)}`;
}

/** A `refund_id`: 29 digits that start with 50 and contain the Beijing date. */
export function newRefundId(at: number): string {
  return `50000${randomDigits(5)}${beijingCompact(at).slice(0, 8)}${randomDigits(11)}`;
}

/**
 * The `out_refund_no` that WeChat generates for a refund in the merchant platform. Its format is not
 * published: here it is the merchant number, the Beijing time and eight digits.
 */
export function newPlatformRefundNo(mchId: string, at: number): string {
  return `${mchId}${beijingCompact(at)}${randomDigits(8)}`;
}

/** A `prepay_id`: `wx` and 34 more characters. */
export function newPrepayId(at: number): string {
  return `wx${beijingCompact(at).slice(6)}${randomDigits(3)}${randomHex(12).slice(0, 23)}`;
}

/** A `nonce_str` of 32 characters. */
export function newNonce(): string {
  return randomHex(16);
}

/** The token in the address of a bill's file. */
export function newBillToken(): string {
  return randomHex(32);
}

/** A nonce for AES-GCM: 12 letters and digits. */
export function newGcmNonce(): string {
  return randomHex(6);
}

/** A `Request-ID`, which ends with a hyphen and the numeric code of the error, or 0. */
export function newRequestId(code: number): string {
  return `08${randomHex(12).toUpperCase()}-${code}`;
}

function randomDigits(count: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => byte % 10).join("");
}

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
