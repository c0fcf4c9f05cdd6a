/** A new order or refund number: 32 hex characters, never used before (128 random bits). */
export function randomHex32(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
