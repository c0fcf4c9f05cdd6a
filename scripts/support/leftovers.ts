import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * What must not outlive this process: groups of processes and temporary folders. They go however
 * the process ends, SIGKILL excepted.
 */
const groups = new Set<number>();
const folders = new Set<string>();

const MOMENT_MS = 500;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** A folder that is removed when this process ends, or earlier by `removeFolder`. */
export function temporaryFolder(prefix: string): string {
  watch();
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

/** Removes a temporary folder now. */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  // Tried again: a process that was just killed may still have a file open.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Has a process group killed when this process ends. `leader` is its first process's id. */
export function watchGroup(leader: number): void {
  watch();
  groups.add(leader);
}

/** Kills a group that is being watched, if any of it is left. */
export function endGroup(leader: number): void {
  groups.delete(leader);
  signalGroup(leader, "SIGKILL");
}

/** Sends a signal to a whole group; one that is gone needs none. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  process.once("exit", sweep);
  for (const [signal, code] of Object.entries(SIGNALS)) {
    // The groups are sessions of their own: Ctrl-C in a terminal doesn't reach them.
    process.once(signal, () => {
      for (const group of groups) signalGroup(group, "SIGTERM");
      // wrangler takes its own temporary files away, if it is given a moment.
      setTimeout(() => process.exit(code), MOMENT_MS);
    });
  }
}

function sweep(): void {
  for (const group of groups) endGroup(group);
  for (const folder of folders) removeFolder(folder);
}
