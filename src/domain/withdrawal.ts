/**
 * When an order is closed: at its expiry, or earlier when it is withdrawn. Times are arguments, in
 * Unix ms.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** APIv2 refuses to close a younger order (W-34). */
const MIN_CLOSABLE_AGE_MS = 5 * MINUTE;

/** WeChat counts the age from its own receipt of the order, which is a little later than ours. */
const TOO_YOUNG_RETRY_MS = 10 * SECOND;
const MAX_RECEIPT_DELAY_MS = 1 * MINUTE;

/**
 * Within this time after the withdrawal a request that had read the order before still may send it to
 * WeChat: until then, WeChat's not having it proves nothing.
 */
const SENDING_GRACE_MS = 1 * MINUTE;

/** The fields of an order that decide. */
export interface Closable {
  readonly protocol: "v2" | "v3";
  readonly createdAt: number;
  readonly expiresAt: number;
  /** When it was withdrawn first; null: never. */
  readonly closeRequestedAt: number | null;
}

/** From when on the order is to be closed at WeChat, if it is unpaid. */
export function closeDueAt(order: Closable): number {
  const { protocol, createdAt, expiresAt, closeRequestedAt } = order;
  if (closeRequestedAt === null) return expiresAt;
  const closableAt = protocol === "v2" ? createdAt + MIN_CLOSABLE_AGE_MS : createdAt;
  return Math.min(expiresAt, Math.max(closeRequestedAt, closableAt));
}

/** From when on an order that WeChat doesn't have is regarded as ended. */
export function absentIsFinalAt({ expiresAt, closeRequestedAt }: Closable): number {
  if (closeRequestedAt === null) return expiresAt;
  return Math.min(expiresAt, closeRequestedAt + SENDING_GRACE_MS);
}

/**
 * When to try again after WeChat has refused to close the order, if its age may be the reason. Null
 * when it is too old for that. APIv3 has no minimum age, but public accounts of it differ (W-34).
 */
export function retryTooYoungAt({ createdAt }: Closable, nowAt: number): number | null {
  const closableAt = createdAt + MIN_CLOSABLE_AGE_MS;
  if (nowAt >= closableAt + MAX_RECEIPT_DELAY_MS) return null;
  return Math.max(closableAt, nowAt + TOO_YOUNG_RETRY_MS);
}
