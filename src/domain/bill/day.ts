import { beijingDayOf, startOfBeijingDay } from "../beijing-time.ts";

/** China has no summer time: every day in Beijing has 24 hours. */
export const DAY_MS = 24 * 3600_000;

/**
 * WeChat generates a day's bill from 09:00 on the next day and recommends fetching it after 10:00
 * (W-55). Half an hour more for a busy day.
 */
const READY_AFTER_MS = DAY_MS + 10.5 * 3600_000;

/** One day in Beijing. Times are Unix ms. */
export interface BillDay {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  readonly startAt: number;
  /** The start of the next day. */
  readonly endAt: number;
  /** When the bill is complete and available. */
  readonly readyAt: number;
}

/** A day from `YYYY-MM-DD`; null when the day doesn't exist. */
export function billDay(day: string): BillDay | null {
  const startAt = startOfBeijingDay(day);
  return startAt === null
    ? null
    : { day, startAt, endAt: startAt + DAY_MS, readyAt: startAt + READY_AFTER_MS };
}

/** The last `count` days whose bills are ready, the latest first. */
export function readyDays(nowAt: number, count: number): BillDay[] {
  const latestAt = nowAt - READY_AFTER_MS;
  return Array.from({ length: count }, (_, back) =>
    billDay(beijingDayOf(latestAt - back * DAY_MS)),
  ).filter((day) => day !== null);
}
