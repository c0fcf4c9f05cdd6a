/**
 * WeChat Pay writes times as Beijing wall-clock time without a zone. China has kept UTC+8 without
 * summer time since 1991, so a fixed offset is exact for every payment.
 */
const BEIJING_AHEAD_MS = 8 * 60 * 60 * 1000;

const DAY_MS = 24 * 60 * 60 * 1000;

const COMPACT = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const SPACED = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;

/** `yyyyMMddHHmmss` (`time_end`, W-99) to Unix ms; null when it isn't such a time. */
export function parseCompactBeijingTime(text: string): number | null {
  return toUnixMs(COMPACT.exec(text));
}

/** `yyyy-MM-dd HH:mm:ss` (`success_time`, W-99) to Unix ms; null when it isn't such a time. */
export function parseSpacedBeijingTime(text: string): number | null {
  return toUnixMs(SPACED.exec(text));
}

/** `YYYY-MM-DD`, a day in Beijing, to the Unix ms of its start; null when the day doesn't exist. */
export function startOfBeijingDay(day: string): number | null {
  return toUnixMs(DAY.exec(day));
}

/** The day in Beijing, `YYYY-MM-DD`, of a time in Unix ms. */
export function beijingDayOf(at: number): string {
  return new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 10);
}

/** The day in Beijing that a time is in: its first moment and the next day's, in Unix ms. */
export function beijingDayAround(at: number): { readonly startAt: number; readonly endAt: number } {
  const startAt = Math.floor((at + BEIJING_AHEAD_MS) / DAY_MS) * DAY_MS - BEIJING_AHEAD_MS;
  return { startAt, endAt: startAt + DAY_MS };
}

/** The time in Beijing, `YYYY-MM-DD HH:mm:ss`, of a time in Unix ms. */
export function beijingTimeOf(at: number): string {
  return new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace("T", " ");
}

function toUnixMs(match: RegExpExecArray | null): number | null {
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number);
  const wallClock = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  // Date rolls an impossible date over (31 February becomes 3 March): compare the result.
  const exists =
    wallClock.getUTCFullYear() === year &&
    wallClock.getUTCMonth() === month - 1 &&
    wallClock.getUTCDate() === day &&
    wallClock.getUTCHours() === hour &&
    wallClock.getUTCMinutes() === minute &&
    wallClock.getUTCSeconds() === second;
  return exists ? wallClock.getTime() - BEIJING_AHEAD_MS : null;
}
