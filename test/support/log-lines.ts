type LogLine = Readonly<Record<string, unknown>>;

/** The parsed log lines that have all these fields, in order. */
export function logLinesWith(logged: readonly string[], fields: LogLine): LogLine[] {
  return logged
    .map((line): LogLine => JSON.parse(line))
    .filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
}
