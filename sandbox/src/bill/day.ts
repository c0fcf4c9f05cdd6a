import { beijingCompact, parseBeijingCompact } from "../protocol/time.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
// A bill is generated from 9 o'clock on the next day and kept for 3 months (W-55).
const GENERATED_AFTER_MS = 9 * HOUR_MS;
const MAX_AGE_MONTHS = 3;

/** A day in Beijing time: `[from, to)` in Unix ms. */
export interface BillDay {
  /** `yyyyMMdd`. */
  readonly date: string;
  readonly from: number;
  readonly to: number;
}

/** Parses a `yyyyMMdd`; null when there is no such day. */
export function parseBillDay(date: string): BillDay | null {
  const from = /^\d{8}$/.test(date) ? parseBeijingCompact(`${date}000000`) : null;
  return from === null ? null : { date, from, to: from + DAY_MS };
}

/** Why a bill is not available; "no-bill" when the day has no trades. */
export type BillRefusal = "no-bill" | "generating" | "not-yet" | "too-old";

/**
 * Why no bill of a day is available, regardless of its trades, or null. With `ofToday` the current day has
 * a bill too, and the previous one from midnight on.
 */
export function dayRefusal(
  { date, to }: BillDay,
  now: number,
  ofToday: boolean,
): BillRefusal | null {
  const today = beijingCompact(now).slice(0, 8);
  if (date > today || (date === today && !ofToday)) return "not-yet";
  if (date < monthsBefore(today)) return "too-old";
  return !ofToday && now < to + GENERATED_AFTER_MS ? "generating" : null;
}

/** The same day three months earlier; a day that the month lacks becomes one of the next month. */
function monthsBefore(date: string): string {
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6)].map(Number);
  const then = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1 - MAX_AGE_MONTHS, day));
  return then.toISOString().slice(0, 10).replaceAll("-", "");
}
