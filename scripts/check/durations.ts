import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { ROOT } from "../../testkit/stack/project.ts";

const FILE = path.join(ROOT, "node_modules/.cache/check-durations.json");
const durations = z.record(z.string(), z.number());

/** How many seconds each step took the last time, by its name; what isn't known is absent. */
export function readDurations(): Readonly<Record<string, number>> {
  if (!existsSync(FILE)) return {};
  return durations.parse(JSON.parse(readFileSync(FILE, "utf8")));
}

export function saveDurations(seconds: Readonly<Record<string, number>>): void {
  mkdirSync(path.dirname(FILE), { recursive: true });
  writeFileSync(FILE, JSON.stringify(seconds));
}
