import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { killGroup, trackGroup } from "./leftovers.ts";
import { ROOT } from "./project.ts";

/** Runs a Node program without showing its output. Throws with the output when it fails. */
export async function runQuietly(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    detached: true,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid === undefined) throw new Error(`can't run ${command.join(" ")}`);
  trackGroup(child.pid);
  const [[code], ...outputs] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
  ]);
  killGroup(child.pid);
  if (code !== 0) throw new Error(`${command.join(" ")} failed:\n${outputs.join("\n").trim()}`);
}
