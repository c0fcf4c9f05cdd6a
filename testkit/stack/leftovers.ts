import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { signalGroup } from "./process-group.ts";

/**
 * Process groups and temporary folders that must not outlive this process. A second process
 * (reaper.ts) removes them: no process can clean up after its own SIGKILL, and a test runner ends
 * its workers without a signal that they could handle.
 */
let reaper: Writable | undefined;

/** A folder that is removed when this process ends, or earlier by `removeFolder`. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  send(`+folder ${folder}`);
  return folder;
}

/** Removes a temporary folder now. */
export function removeFolder(folder: string): void {
  // Retried: a process that was just killed may still have a file open.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  send(`-folder ${folder}`);
}

/** Ends a process group when this process ends. `leader` is the id of its first process. */
export function trackGroup(leader: number): void {
  send(`+group ${leader}`);
}

/** Kills what is left of a tracked group. */
export function killGroup(leader: number): void {
  signalGroup(leader, "SIGKILL");
  send(`-group ${leader}`);
}

function send(line: string): void {
  reaper ??= startReaper();
  reaper.write(`${line}\n`);
}

function startReaper(): Writable {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "reaper.ts")], {
    // Not in the terminal's process group, so that Ctrl-C doesn't reach it.
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
    env: { PATH: process.env["PATH"] },
  });
  // The reaper waits for this process, not the other way round.
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child.stdin;
}
