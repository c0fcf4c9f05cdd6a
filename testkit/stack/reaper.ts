import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { signalGroup } from "./process-group.ts";

/**
 * Outlives the process that started it, to clean up after it: when its input ends, however the other
 * process died, it ends that one's process groups and removes its folders. Each input line is `+` or
 * `-`, then `group` or `folder`, then its id or path.
 */

/** For wrangler to remove its temporary files. */
const SIGTERM_TIMEOUT_MS = 1_000;

const tracked = { group: new Set<string>(), folder: new Set<string>() };

for await (const line of createInterface({ input: process.stdin })) {
  const [, change, kind, which] = /^([+-])(group|folder) (.+)$/.exec(line) ?? [];
  if (which === undefined || (kind !== "group" && kind !== "folder")) continue;
  if (change === "+") tracked[kind].add(which);
  else tracked[kind].delete(which);
}

for (const group of tracked.group) signalGroup(Number(group), "SIGTERM");
if (tracked.group.size > 0) await sleep(SIGTERM_TIMEOUT_MS);
for (const group of tracked.group) signalGroup(Number(group), "SIGKILL");
for (const folder of tracked.folder)
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
