/**
 * 32 lower-case hex characters of 122 random bits: a new order or refund number, which is never used
 * twice, or a nonce.
 */
export function randomHex32(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
