/** The fields of a log line: plain values, no objects that could contain a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one JSON line to the log. Never pass secrets; pass openIds through `masked`. */
export function log(level: "info" | "warn" | "error", event: string, fields: LogFields = {}): void {
  console[level](JSON.stringify({ level, event, ...fields }));
}

/** Shows enough of an identifier to distinguish it, not enough to use it. */
export function masked(value: string): string {
  return value.length <= 8 ? "***" : `${value.slice(0, 4)}***${value.slice(-2)}`;
}

/**
 * The loggable text of a thrown error. The message of a Drizzle query error contains the bound values
 * (openIds, sealed secrets), so its cause is described instead.
 */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return "a thrown value that isn't an Error";
  const source = error.message.startsWith("Failed query") ? error.cause : error;
  return source instanceof Error ? `${source.name}: ${source.message}`.slice(0, 300) : "Error";
}
