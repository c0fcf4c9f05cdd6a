import { stripVTControlCharacters } from "node:util";
import { paint } from "../../testkit/terminal.ts";

/** What every line of a request has anyway, or nobody reads at a terminal. */
const LEFT_OUT = new Set(["level", "event", "method", "path", "requestId", "tookMs"]);

/**
 * Prints what a Worker logs, for a person: its own JSON lines in short, wrangler's errors as they
 * are, and nothing of wrangler's chatter.
 */
export function printWorkerLog(worker: string, text: string): void {
  for (const line of stripVTControlCharacters(text).split("\n")) {
    // wrangler puts a mark before what is logged as a warning or an error.
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
    .filter(([name]) => !LEFT_OUT.has(name))
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
    // Half a line: it came in two pieces.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
