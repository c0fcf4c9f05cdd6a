import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  killGroup,
  removeFolder,
  temporaryFolder,
  trackGroup,
} from "../../testkit/stack/leftovers.ts";
import { signalGroup } from "../../testkit/stack/process-group.ts";
import { quietEnvironment, ROOT } from "../../testkit/stack/project.ts";
import { PROGRESS_FILE } from "./progress-reporter.ts";
import { readReport } from "./vitest-report.ts";

export interface Step {
  readonly name: string;
  /** A script of package.json. */
  readonly script: string;
  /** `tests`: a vitest run, in which each test counts; otherwise the step counts as one. */
  readonly counts?: "tests";
  /** `waiting`: it mostly waits for timers, so it runs beside the others from the start. */
  readonly runs?: "waiting";
}

export interface Outcome {
  readonly step: Step;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** What the counts don't say; empty if nothing. */
  readonly remark: string;
}

/** A step that has been started. */
export interface RunningStep {
  readonly step: Step;
  readonly outcome: Promise<Outcome>;
  /** Test files done and in all; null if unknown. */
  progress(): { readonly done: number; readonly total: number } | null;
  /** Everything that it has written, after its end; empty if its output was shown. */
  output(): string;
}

/** Many times what any step takes: it only ends a step that hangs. */
const STEP_TIMEOUT_MS = 10 * 60 * 1000;

/**
 * Starts a step. Its output is shown, or kept for `output`. The outcome never rejects: a step that
 * can't be run has failed.
 */
export function startStep(step: Step, output: "shown" | "kept"): RunningStep {
  const scratch = temporaryFolder("check-");
  const files = {
    report: path.join(scratch, "report.json"),
    progress: path.join(scratch, "progress"),
    output: path.join(scratch, "output"),
  };
  let kept = "";
  const outcome = run(step, scratch, files, output).then((result) => {
    if (output === "kept") kept = readFileSync(files.output, "utf8");
    removeFolder(scratch);
    return result;
  });
  return {
    step,
    outcome,
    progress: () => readProgress(files.progress),
    output: () => kept,
  };
}

async function run(
  step: Step,
  scratch: string,
  files: Readonly<Record<"report" | "progress" | "output", string>>,
  output: "shown" | "kept",
): Promise<Outcome> {
  const startedAt = performance.now();
  const reporters = [
    "--",
    "--reporter=default",
    `--reporter=${path.join(import.meta.dirname, "progress-reporter.ts")}`,
    "--reporter=json",
    `--outputFile.json=${files.report}`,
  ];
  const command = ["run", "--silent", step.script, ...(step.counts === "tests" ? reporters : [])];
  const stream = output === "shown" ? "inherit" : openSync(files.output, "w");
  const environment = { ...stepEnvironment(scratch), [PROGRESS_FILE]: files.progress };
  const code = await runNpm(command, environment, stream);
  if (stream !== "inherit") closeSync(stream);
  const seconds = (performance.now() - startedAt) / 1000;
  const counts = step.counts === "tests" ? readReport(files.report, code) : countAsOne(code);
  return { step, seconds, ...counts };
}

function countAsOne(code: number | null): Omit<Outcome, "step" | "seconds"> {
  return code === 0
    ? { passed: 1, failed: 0, remark: "" }
    : { passed: 0, failed: 1, remark: `exit code ${code ?? "none"}` };
}

/** Runs npm; returns its exit code, or null when it was killed. */
async function runNpm(
  command: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: "inherit" | number,
): Promise<number | null> {
  const child = spawn("npm", command, {
    cwd: ROOT,
    detached: true,
    env: environment,
    stdio: ["ignore", output, output],
  });
  if (child.pid === undefined) return null;
  const leader = child.pid;
  trackGroup(leader);
  const timeout = setTimeout(() => signalGroup(leader, "SIGTERM"), STEP_TIMEOUT_MS);
  const [code] = await once(child, "exit");
  clearTimeout(timeout);
  killGroup(leader);
  return typeof code === "number" ? code : null;
}

/** wrangler is as quiet in these steps as in the stack; everything else is as at the terminal. */
function stepEnvironment(scratch: string): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, TMPDIR } = process.env;
  return {
    ...quietEnvironment(scratch),
    NO_COLOR,
    FORCE_COLOR: process.stdout.isTTY ? "1" : FORCE_COLOR,
    TMPDIR,
  };
}

function readProgress(file: string): { done: number; total: number } | null {
  if (!existsSync(file)) return null;
  const [done, total] = readFileSync(file, "utf8").split(" ").map(Number);
  return done === undefined || total === undefined ? null : { done, total };
}
