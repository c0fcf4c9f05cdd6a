import { beijingCompact } from "./time.ts";

/** A payment's `transaction_id`: 28 digits that begin with 42 and hold the Beijing date. */
export function newTransactionId(at: number): string {
  return `4200${digits(6)}${beijingCompact(at).slice(0, 8)}${digits(10)}`;
}

/** A `refund_id`: 29 digits that begin with 50 and hold the Beijing date. */
export function newRefundId(at: number): string {
  return `50000${digits(5)}${beijingCompact(at).slice(0, 8)}${digits(11)}`;
}

/**
 * The `out_refund_no` of a refund made in the merchant platform, which WeChat makes up. Its form is
 * not published: here the merchant number, the Beijing time and eight digits.
 */
export function newPlatformRefundNo(mchId: string, at: number): string {
  return `${mchId}${beijingCompact(at)}${digits(8)}`;
}

/** A `prepay_id`: `wx` and 34 more characters. */
export function newPrepayId(at: number): string {
  return `wx${beijingCompact(at).slice(6)}${digits(3)}${hex(12).slice(0, 23)}`;
}

/** A `nonce_str` of 32 characters. */
export function newNonce(): string {
  return hex(16);
}

/** What the address of a bill's file is known by. */
export function newBillToken(): string {
  return hex(32);
}

/** The nonce of an AES-GCM message of WeChat's: 12 letters and digits. */
export function newGcmNonce(): string {
  return hex(6);
}

/** A `Request-ID`: what comes after the last hyphen is the numeric code of an error, or 0. */
export function newRequestId(code: number): string {
  return `08${hex(12).toUpperCase()}-${code}`;
}

function digits(count: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => byte % 10).join("");
}

function hex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
