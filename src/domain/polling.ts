/**
 * When the gateway queries WeChat again. Times are arguments, in Unix ms.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A waiting order is polled this long after its creation, then at its expiry. */
const WAITING_POLLS = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE] as const;

/** Intervals after expiry, while WeChat gives no usable answer or can't close yet. The last repeats. */
const EXPIRED_POLLS = [1 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1 * HOUR] as const;

/**
 * Intervals for a refund without a final outcome. Refunds to wallets take up to 20 minutes, to cards
 * about 3 working days (W-47), abnormal ones as long as a person takes: the last
 * interval repeats.
 */
const REFUND_POLLS = [
  15 * SECOND,
  30 * SECOND,
  1 * MINUTE,
  3 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  1 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  24 * HOUR,
] as const;

/**
 * The time of a waiting order's next poll.
 * @param polls number of polls so far
 */
export function nextPaymentPollAt(
  order: { readonly createdAt: number; readonly expiresAt: number },
  polls: number,
  nowAt: number,
): number {
  if (nowAt >= order.expiresAt) {
    return nowAt + pick(EXPIRED_POLLS, polls - pollsBeforeExpiry(order) - 1);
  }
  const wait = WAITING_POLLS[polls];
  if (wait === undefined) return order.expiresAt;
  // A late alarm must not make the next poll overdue too: polls are at least a minute apart.
  return Math.min(
    Math.max(order.createdAt + wait, polls === 0 ? 0 : nowAt + MINUTE),
    order.expiresAt,
  );
}

/** An order whose payment is still unknown this long after its expiry needs a person. */
export const PAYMENT_UNKNOWN_AFTER_MS = 1 * HOUR;

/**
 * Whether an order's payment has been unknown for too long. The number of polls counts as well as the
 * time, because polling may resume long after the expiry: then the first unusable answer proves
 * nothing yet.
 * @param polls number of polls so far
 */
export function isLongUnknown(
  order: { readonly createdAt: number; readonly expiresAt: number },
  polls: number,
  nowAt: number,
): boolean {
  return (
    nowAt >= order.expiresAt + PAYMENT_UNKNOWN_AFTER_MS &&
    polls > pollsBeforeExpiry(order) + EXPIRED_POLLS.length
  );
}

/**
 * The delay before the next poll of a refund without a final outcome, in ms.
 * @param polls number of polls so far
 */
export function nextRefundPollDelay(polls: number): number {
  return pick(REFUND_POLLS, polls);
}

/** Minimum interval between the refunds of one order (W-41). */
const REFUND_INTERVAL_MS = 1 * MINUTE;

/** The last refund of an order that was sent to WeChat and not refused, and when. */
export interface RefundSending {
  readonly refundNo: string;
  readonly at: number;
}

/**
 * How long a refund must wait before it may be sent, in ms; 0 for no wait. Sending the same refund
 * again needs no wait.
 * @param last the order's last sent refund, null when none was sent
 * @param ahead number of the order's refunds that wait before this one
 */
export function waitBeforeRefund(
  refundNo: string,
  last: RefundSending | null,
  ahead: number,
  nowAt: number,
): number {
  if (last === null || last.refundNo === refundNo) return 0;
  const wait = REFUND_INTERVAL_MS * (1 + ahead);
  // A clock set back must not delay a refund for longer than its wait.
  return Math.min(wait, Math.max(0, last.at + wait - nowAt));
}

function pollsBeforeExpiry(order: {
  readonly createdAt: number;
  readonly expiresAt: number;
}): number {
  return WAITING_POLLS.filter((wait) => order.createdAt + wait < order.expiresAt).length;
}

function pick(delays: readonly number[], index: number): number {
  const clamped = Math.min(Math.max(index, 0), delays.length - 1);
  return delays[clamped] ?? HOUR;
}
