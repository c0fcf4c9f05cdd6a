const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Contract: what the app receives. The waits between calls to an app, WeChat's own rhythm for its
 * notifications; the last of 16 calls is made some 25 hours after the first.
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

/** Calls that the schedule makes for one event, the first included. */
export const DELIVERY_CALLS = WAITS.length + 1;

/** Spreads the calls that an outage of an app has bunched together. */
const JITTER = 0.1;

/** A `Retry-After` beyond this would let an app put off its callbacks for ever. */
const MAX_RETRY_AFTER = 6 * HOUR;

/** No wait between two calls of the schedule is longer, jitter and `Retry-After` included, in ms. */
export const MAX_WAIT_MS = Math.max(...WAITS.map((wait) => waitWith(wait, 1)), MAX_RETRY_AFTER);

/** The longest that the schedule itself waits after each call, the first one first, in ms; after the last none. */
export const LATEST_WAITS: readonly number[] = WAITS.map((wait) => waitWith(wait, 1));

/**
 * How long to wait before the next call to an app, in ms; null when the schedule has ended and only
 * an operator redelivers.
 *
 * @param attempt how many calls have been made, 1 after the first
 * @param jitter at least 0, less than 1: how much of the jitter to add
 * @param retryAfterMs what the app asked for, null if nothing; heeded when it is later, up to 6 h
 */
export function nextDelay(
  attempt: number,
  jitter: number,
  retryAfterMs: number | null,
): number | null {
  const wait = WAITS[attempt - 1];
  if (wait === undefined) return null;
  return Math.max(waitWith(wait, jitter), Math.min(retryAfterMs ?? 0, MAX_RETRY_AFTER));
}

function waitWith(wait: number, jitter: number): number {
  return Math.floor(wait * (1 + JITTER * jitter));
}

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in the one format that may still be
 * generated. In ms from `nowAt` (Unix ms), 0 for a date that has passed; null when there is none or
 * it is unreadable.
 */
export function parseRetryAfter(header: string | null, nowAt: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * SECOND;
  // Date.parse alone accepts nearly anything, "-1" included.
  if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - nowAt);
}
