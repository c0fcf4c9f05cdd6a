import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import {
  endGroup,
  removeFolder,
  temporaryFolder,
  watchGroup,
} from "../../testkit/stack/leftovers.ts";
import { signalGroup } from "../../testkit/stack/process-group.ts";
import { quietEnvironment, ROOT } from "../../testkit/stack/project.ts";
import { readReport } from "./vitest-report.ts";

export interface Step {
  readonly name: string;
  /** A script of package.json. */
  readonly script: string;
  /** `tests`: it is a vitest run, of which each test counts; otherwise the step counts as one. */
  readonly counts?: "tests";
  /**
   * `waiting`: it mostly waits for timers, so it runs beside the others from the beginning; its
   * output is kept until its turn.
   */
  readonly runs?: "waiting";
}

export interface Outcome {
  readonly step: Step;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What a person should know beyond the counts; empty if nothing. */
  readonly remark: string;
}

/** Many times what any step takes: only one that hangs is ended. */
const LIMIT_MS = 10 * 60 * 1000;

/**
 * Runs one step with its output shown, or kept in a file for one that runs beside others. Never
 * throws for a step that fails or can't be run.
 */
export async function runStep(step: Step, keptIn: string | null = null): Promise<Outcome> {
  const scratch = temporaryFolder("check-");
  const startedAt = performance.now();
  const report = path.join(scratch, "report.json");
  const reporters =
    step.counts === "tests"
      ? ["--", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
      : [];
  const output = keptIn === null ? "inherit" : openSync(keptIn, "w");
  const code = await run(["run", "--silent", step.script, ...reporters], scratch, output);
  if (output !== "inherit") closeSync(output);
  const seconds = (performance.now() - startedAt) / 1000;
  const outcome = step.counts === "tests" ? readReport(report, code) : verdict(code);
  removeFolder(scratch);
  return { step, seconds, ...outcome };
}

function verdict(code: number | null): Omit<Outcome, "step" | "seconds"> {
  return code === 0
    ? { passed: 1, failed: 0, remark: "" }
    : { passed: 0, failed: 1, remark: `exit code ${code ?? "none"}` };
}

/** Runs npm; returns its exit code, or null when it was ended by force. */
async function run(
  command: readonly string[],
  scratch: string,
  output: "inherit" | number,
): Promise<number | null> {
  const child = spawn("npm", command, {
    cwd: ROOT,
    detached: true,
    env: environment(scratch),
    stdio: ["ignore", output, output],
  });
  if (child.pid === undefined) return null;
  const leader = child.pid;
  watchGroup(leader);
  const limit = setTimeout(() => signalGroup(leader, "SIGTERM"), LIMIT_MS);
  const [code] = await once(child, "exit");
  clearTimeout(limit);
  endGroup(leader);
  return typeof code === "number" ? code : null;
}

/** wrangler is as quiet in these steps as in the stack; all else is as at the terminal. */
function environment(scratch: string): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, TMPDIR } = process.env;
  return {
    ...quietEnvironment(scratch),
    NO_COLOR,
    FORCE_COLOR: process.stdout.isTTY ? "1" : FORCE_COLOR,
    TMPDIR,
  };
}
