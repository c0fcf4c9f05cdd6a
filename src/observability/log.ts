/** What a log line may carry: plain facts, no objects that could hide a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One JSON line to the log. Callers pass facts, never secrets; openIds go through `masked`. */
export function log(level: "info" | "warn" | "error", event: string, fields: LogFields = {}): void {
  console[level](JSON.stringify({ level, event, ...fields }));
}

/** Shows enough of an identifier to tell two apart, not enough to use it. */
export function masked(value: string): string {
  return value.length <= 8 ? "***" : `${value.slice(0, 4)}***${value.slice(-2)}`;
}

/**
 * What may be said of a thrown error. A database error of drizzle carries the bound values in its
 * message (openIds, sealed secrets), so its cause speaks for it.
 */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return "a thrown value that is no Error";
  const speaker = error.message.startsWith("Failed query") ? error.cause : error;
  return speaker instanceof Error ? `${speaker.name}: ${speaker.message}`.slice(0, 300) : "Error";
}
