/**
 * When the gateway asks WeChat again. Pure: times are arguments, in Unix ms.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A waiting order is asked about this long after it was made, then at its expiry. */
const WAITING_POLLS = [1 * MINUTE, 5 * MINUTE, 30 * MINUTE] as const;

/** At and after expiry, while WeChat gives no usable answer or won't close yet. The last one repeats. */
const EXPIRED_POLLS = [1 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1 * HOUR] as const;

/**
 * A refund whose outcome is open. Wallet refunds take up to 20 minutes, cards about 3 working days
 * (WeChat: refundquery), an abnormal one as long as a person takes: the last one repeats.
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
 * When to ask about a waiting order next.
 * @param asked how often it has been asked about so far
 */
export function nextPaymentPollAt(
  order: { readonly createdAt: number; readonly expiresAt: number },
  asked: number,
  nowAt: number,
): number {
  if (nowAt >= order.expiresAt) {
    return nowAt + pick(EXPIRED_POLLS, asked - pollsBeforeExpiry(order) - 1);
  }
  const wait = WAITING_POLLS[asked];
  if (wait === undefined) return order.expiresAt;
  // A late alarm must not make the next ask overdue too: each is at least a minute after the last.
  return Math.min(
    Math.max(order.createdAt + wait, asked === 0 ? 0 : nowAt + MINUTE),
    order.expiresAt,
  );
}

/** An order whose payment is still unknown this long after its expiry is a person's matter. */
export const PAYMENT_UNKNOWN_AFTER_MS = 1 * HOUR;

/**
 * Whether nobody has learnt for too long what became of the order. Asks are counted besides the
 * time, for an order may be asked about anew long after its expiry: then the first answer that
 * isn't usable says nothing yet.
 * @param asked how often it has been asked about so far
 */
export function isLongUnknown(
  order: { readonly createdAt: number; readonly expiresAt: number },
  asked: number,
  nowAt: number,
): boolean {
  return (
    nowAt >= order.expiresAt + PAYMENT_UNKNOWN_AFTER_MS &&
    asked > pollsBeforeExpiry(order) + EXPIRED_POLLS.length
  );
}

/**
 * How long to wait before asking about an open refund again, in ms.
 * @param asked how often it has been asked about so far
 */
export function nextRefundPollDelay(asked: number): number {
  return pick(REFUND_POLLS, asked);
}

/** WeChat wants the refunds of one order this far apart (WeChat: refund). */
const REFUND_INTERVAL_MS = 1 * MINUTE;

/** When a refund of an order was last sent to WeChat, and which one. */
export interface RefundSending {
  readonly refundNo: string;
  readonly at: number;
}

/**
 * How long a refund must wait before it may be sent, in ms; 0 for at once. The same refund again is
 * no other refund, so it needn't wait for itself.
 * @param last the order's last sending, null when there was none
 * @param ahead refunds of the order that wait their turn before this one
 */
export function waitBeforeRefund(
  refundNo: string,
  last: RefundSending | null,
  ahead: number,
  nowAt: number,
): number {
  if (last === null || last.refundNo === refundNo) return 0;
  const wait = REFUND_INTERVAL_MS * (1 + ahead);
  // A clock that was set back must not put a refund off for longer than its turn takes.
  return Math.min(wait, Math.max(0, last.at + wait - nowAt));
}

function pollsBeforeExpiry(order: {
  readonly createdAt: number;
  readonly expiresAt: number;
}): number {
  return WAITING_POLLS.filter((wait) => order.createdAt + wait < order.expiresAt).length;
}

function pick(delays: readonly number[], index: number): number {
  const within = Math.min(Math.max(index, 0), delays.length - 1);
  return delays[within] ?? HOUR;
}
