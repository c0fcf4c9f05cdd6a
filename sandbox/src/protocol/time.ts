// WeChat Pay uses Beijing time: UTC+8, no daylight saving.
const BEIJING_OFFSET_MS = 8 * 60 * 60 * 1000;

/** `yyyy-MM-dd HH:mm:ss` in Beijing time, as in `refund_success_time_$n`. `at` is Unix ms. */
export function beijingText(at: number): string {
  return new Date(at + BEIJING_OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}

/** `yyyyMMddHHmmss` in Beijing time, as in `time_end` and `time_expire`. `at` is Unix ms. */
export function beijingCompact(at: number): string {
  return beijingText(at).replaceAll(/[^0-9]/g, "");
}

/** Parses `yyyyMMddHHmmss` in Beijing time to Unix ms; null when there is no such time. */
export function parseBeijingCompact(text: string): number | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  const at = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second) - BEIJING_OFFSET_MS;
  // Date.UTC turns 31 February into a day of March: refuse such a time.
  return beijingCompact(at) === text ? at : null;
}

/** `yyyy-MM-ddTHH:mm:ss+08:00`, as APIv3 writes times (RFC 3339). `at` is Unix ms. */
export function beijingRfc3339(at: number): string {
  return `${beijingText(at).replace(" ", "T")}+08:00`;
}

/** Parses an RFC 3339 time with an offset to Unix ms; null when there is no such time. */
export function parseRfc3339(text: string): number | null {
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.exec(
    text,
  );
  const wall = parts?.[1];
  if (wall === undefined) return null;
  const asUtc = Date.parse(`${wall}Z`);
  const at = Date.parse(text);
  // Date.parse turns 30 February into a day of March: refuse such a time.
  const real = !Number.isNaN(asUtc) && new Date(asUtc).toISOString().startsWith(wall);
  return real && !Number.isNaN(at) ? at : null;
}
