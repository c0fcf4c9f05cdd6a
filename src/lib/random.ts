/** 32 hex characters with 122 random bits: a new number for an order or a refund, or a nonce. */
export function randomHex32(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
