import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { signalGroup } from "./process-group.ts";

/**
 * What must not outlive this process: groups of processes and temporary folders. A second process
 * (reaper.ts) sees to it, because a process can't clean up after its own SIGKILL, and a test
 * runner's worker is ended without being asked.
 */
let reaper: Writable | undefined;

/** A folder that goes when this process ends, or earlier by `removeFolder`. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  tell(`+folder ${folder}`);
  return folder;
}

/** Removes a temporary folder now. */
export function removeFolder(folder: string): void {
  // Tried again: a process that was just killed may still have a file open.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  tell(`-folder ${folder}`);
}

/** Has a process group ended when this process ends. `leader` is its first process's id. */
export function watchGroup(leader: number): void {
  tell(`+group ${leader}`);
}

/** Kills what is left of a group that is being watched. */
export function endGroup(leader: number): void {
  signalGroup(leader, "SIGKILL");
  tell(`-group ${leader}`);
}

function tell(line: string): void {
  reaper ??= startReaper();
  reaper.write(`${line}\n`);
}

function startReaper(): Writable {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "reaper.ts")], {
    // Out of reach of a terminal's Ctrl-C.
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
    env: { PATH: process.env["PATH"] },
  });
  // It waits for this process, not the other way round.
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child.stdin;
}
