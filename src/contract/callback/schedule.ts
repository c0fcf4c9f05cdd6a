const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Contract: what the app receives. Delays between calls to an app, the same as WeChat's between its
 * notifications. The last of 16 calls is made about 25 hours after the first.
 */
const WAITS: readonly number[] = [
  15 * SECOND,
  15 * SECOND,
  30 * SECOND,
  3 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  60 * MINUTE,
  3 * HOUR,
  3 * HOUR,
  3 * HOUR,
  6 * HOUR,
  6 * HOUR,
];

/** Number of calls that the schedule makes for one event, including the first. */
export const DELIVERY_CALLS = WAITS.length + 1;

/** The most jitter, as a share of the delay. Spreads out calls that an app's outage has bunched. */
const MAX_JITTER = 0.1;

/** A longer `Retry-After` would let an app postpone its callbacks for ever. */
const MAX_RETRY_AFTER_MS = 6 * HOUR;

/** The longest delay between two calls, including jitter and `Retry-After`, in ms. */
export const MAX_WAIT_MS = Math.max(...WAITS.map((wait) => waitWith(wait, 1)), MAX_RETRY_AFTER_MS);

/** The longest delay after each call but the last, without `Retry-After`, in ms. */
export const LATEST_WAITS: readonly number[] = WAITS.map((wait) => waitWith(wait, 1));

/**
 * The delay before the next call to an app, in ms; null when the schedule has ended and only an
 * operator can redeliver.
 *
 * @param attempt number of calls made so far, 1 after the first
 * @param jitter at least 0, less than 1: the share of the jitter to add
 * @param retryAfterMs the app's `Retry-After`, null without one; used when it is later, up to 6 h
 */
export function nextDelay(
  attempt: number,
  jitter: number,
  retryAfterMs: number | null,
): number | null {
  const wait = WAITS[attempt - 1];
  if (wait === undefined) return null;
  return Math.max(waitWith(wait, jitter), Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER_MS));
}

function waitWith(wait: number, jitter: number): number {
  return Math.floor(wait * (1 + MAX_JITTER * jitter));
}
