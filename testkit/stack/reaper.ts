import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { signalGroup } from "./process-group.ts";

/**
 * Outlives the process that started it, only to clean up after it: when its input ends, however the
 * other process died, it ends that one's process groups and removes its folders. Each line of the
 * input is `+` or `-`, then `group` or `folder`, then which.
 */

/** For wrangler to take its own temporary files away. */
const GRACE_MS = 1_000;

const left = { group: new Set<string>(), folder: new Set<string>() };

for await (const line of createInterface({ input: process.stdin })) {
  const [, change, kind, which] = /^([+-])(group|folder) (.+)$/.exec(line) ?? [];
  if (which === undefined || (kind !== "group" && kind !== "folder")) continue;
  if (change === "+") left[kind].add(which);
  else left[kind].delete(which);
}

for (const group of left.group) signalGroup(Number(group), "SIGTERM");
if (left.group.size > 0) await sleep(GRACE_MS);
for (const group of left.group) signalGroup(Number(group), "SIGKILL");
for (const folder of left.folder) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
