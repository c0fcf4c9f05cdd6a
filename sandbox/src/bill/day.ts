import { beijingCompact, parseBeijingCompact } from "../protocol/time.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
// WeChat docs: downloadbill. A day's bill is begun at 9 o'clock the next day, and kept for 3 months.
const MADE_AFTER_MS = 9 * HOUR_MS;
const KEPT_MONTHS = 3;

/** A day in Beijing: its first instant and that of the next day, Unix ms. */
export interface BillDay {
  /** `yyyyMMdd`. */
  date: string;
  from: number;
  to: number;
}

/** The day of a `yyyyMMdd`; undefined when there is none. */
export function billDay(date: string): BillDay | undefined {
  const from = /^\d{8}$/.test(date) ? parseBeijingCompact(`${date}000000`) : undefined;
  return from === undefined ? undefined : { date, from, to: from + DAY_MS };
}

/**
 * Why there is no bill of a day, whatever happened then; undefined when there may be one. With
 * `ofToday` today's can be had as it stands, and yesterday's from midnight on.
 */
export function dayRefusal(
  { date, to }: BillDay,
  now: number,
  ofToday: boolean,
): "not-yet" | "too-old" | "being-made" | undefined {
  const today = beijingCompact(now).slice(0, 8);
  if (date > today || (date === today && !ofToday)) return "not-yet";
  if (date < monthsBefore(today)) return "too-old";
  return !ofToday && now < to + MADE_AFTER_MS ? "being-made" : undefined;
}

/** The same day three months ago; a day that month has not rolls over into the next. */
function monthsBefore(date: string): string {
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)].map(Number);
  const then = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1 - KEPT_MONTHS, day));
  return then.toISOString().slice(0, 10).replaceAll("-", "");
}
