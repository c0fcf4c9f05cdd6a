import { beijingDayOf, startOfBeijingDay } from "../beijing-time.ts";

/** China has no summer time: every day in Beijing has 24 hours. */
export const DAY_MS = 24 * 3600_000;

/**
 * WeChat makes a day's bill from 09:00 of the next day on and asks that it be fetched after 10:00
 * (WeChat: downloadbill). Half an hour more for a busy day's.
 */
const READY_AFTER_MS = DAY_MS + 10.5 * 3600_000;

/** One day in Beijing. Times are Unix ms. */
export interface BillDay {
  /** `YYYY-MM-DD`. */
  readonly day: string;
  readonly startAt: number;
  /** The next day's beginning. */
  readonly endAt: number;
  /** From then on its bill is complete and there. */
  readonly readyAt: number;
}

/** A day by its name; null when there is no such day. */
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
