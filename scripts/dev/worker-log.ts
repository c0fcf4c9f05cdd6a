import { stripVTControlCharacters } from "node:util";
import { paint } from "../../testkit/terminal.ts";

/** Fields that are shown elsewhere in the line, or not needed at a terminal. */
const OMITTED = new Set(["level", "event", "method", "path", "requestId", "tookMs"]);

/**
 * Prints a Worker's log for a person: its own JSON lines in short form, wrangler's errors unchanged,
 * and none of wrangler's other output.
 */
export function printWorkerLog(worker: string, text: string): void {
  for (const line of stripVTControlCharacters(text).split("\n")) {
    // wrangler prefixes warnings and errors with a mark.
    const [entry] = /\{".*\}$/.exec(line) ?? [];
    if (entry !== undefined) console.log(`${paint("dim", worker)}  ${shorten(entry)}`);
    else if (/\[ERROR\]|\berror\b/i.test(line)) console.log(paint("red", `${worker}  ${line}`));
  }
}

function shorten(line: string): string {
  const entry = readEntry(line);
  if (entry === undefined) return line;
  const { level, event, method, path, tookMs } = entry;
  const facts = Object.entries(entry)
    .filter(([name]) => !OMITTED.has(name))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
  const what = event === "request" ? `${String(method)} ${String(path)}` : String(event);
  const took = tookMs === undefined ? "" : ` ${String(tookMs)} ms`;
  return `${paint(level === "info" ? "reset" : "yellow", what)} ${paint("dim", facts + took)}`;
}

function readEntry(line: string): Record<string, string | number | boolean | null> | undefined {
  try {
    const entry: Record<string, string | number | boolean | null> = JSON.parse(line);
    return entry;
  } catch (error) {
    // Incomplete: the line arrived in two pieces.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
