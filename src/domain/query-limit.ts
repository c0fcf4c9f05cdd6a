/**
 * How many queries to WeChat refund notifications may cause. An APIv2 refund notification can be
 * replayed, and recombined into one with another refund number, by anyone who has seen it (W-52).
 */

/** Limits of a fixed minute, by the clock. */
export interface QueryLimit {
  readonly perMinute: number;
  /** Of these, the most that one share may use, so that no share takes all of them. */
  readonly perShare: number;
}

/** Of one order. Each refund on record has a share; all numbers that aren't on record have one. */
export const ORDER_QUERY_LIMIT: QueryLimit = { perMinute: 60, perShare: 30 };

/** Of all orders of a merchant. The numbers that aren't on record have a share; the rest has none. */
export const MERCHANT_QUERY_LIMIT: QueryLimit = { perMinute: 300, perShare: 150 };

/** The share of all refund numbers that aren't on record. No refund number is empty. */
export const NOT_ON_RECORD = "";

/** The queries of one minute. */
export interface QueryCount {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly total: number;
  readonly ofShares: ReadonlyMap<string, number>;
}

/** Whether the minute has no query left, whatever the share. */
export function isExhausted(
  count: QueryCount | null,
  { perMinute }: QueryLimit,
  nowAt: number,
): boolean {
  return ofMinute(count, nowAt).total >= perMinute;
}

/**
 * Counts one more query.
 * @param share null when it belongs to none
 * @returns the new count; null when the query is over a limit, so that it must not be made
 */
export function countQuery(
  count: QueryCount | null,
  { perMinute, perShare }: QueryLimit,
  share: string | null,
  nowAt: number,
): QueryCount | null {
  const { minute, total, ofShares } = ofMinute(count, nowAt);
  const ofShare = share === null ? 0 : (ofShares.get(share) ?? 0);
  if (total >= perMinute || ofShare >= perShare) return null;
  return {
    minute,
    total: total + 1,
    ofShares: share === null ? ofShares : new Map(ofShares).set(share, ofShare + 1),
  };
}

function ofMinute(count: QueryCount | null, nowAt: number): QueryCount {
  const minute = Math.floor(nowAt / 60_000);
  return count?.minute === minute ? count : { minute, total: 0, ofShares: new Map() };
}
