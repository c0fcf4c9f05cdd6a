import { Progress } from "../testkit/progress.ts";
import { paint } from "../testkit/terminal.ts";
import { readDurations, saveDurations } from "./check/durations.ts";
import { startStep, type Outcome, type RunningStep, type Step } from "./check/step.ts";

/** Everything that must hold, fast steps first. Each is a script of package.json. */
const STEPS: readonly Step[] = [
  { name: "format", script: "format:check" },
  { name: "lint", script: "lint" },
  { name: "types", script: "types" },
  { name: "bindings", script: "types:bindings:check" },
  { name: "lock", script: "lock:check" },
  { name: "migrations", script: "db:check" },
  { name: "documents", script: "docs:check" },
  { name: "deploy", script: "deploy:check" },
  { name: "workers", script: "test:workers", counts: "tests" },
  { name: "histories", script: "test:histories", counts: "tests" },
  { name: "sandbox", script: "test:sandbox", counts: "tests" },
  { name: "e2e", script: "test:e2e", counts: "tests", runs: "waiting" },
];

const POLL_INTERVAL_MS = 200;

/**
 * `npm test`, the same here and in CI: continues after a failure, so that one run shows them all.
 * `npm test -- lint e2e` runs only these steps, and `npm run check` only the fast ones.
 */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    const known = STEPS.map((step) => step.name).join(", ");
    console.error(`No such step: ${unknown.join(", ")}. The steps are ${known}.`);
    process.exitCode = 1;
    return;
  }
  const steps = STEPS.filter(({ name }) => names.length === 0 || names.includes(name));
  const outcomes: Outcome[] = [];
  const durations = { ...readDurations() };
  const waiting = steps
    .filter(({ runs }) => runs === "waiting")
    .map((step) => startStep(step, "kept"));
  for (const [index, step] of steps.entries()) {
    const position = paint("dim", `${index + 1} of ${steps.length}`);
    const title = paint(["bold", "inverse"], ` ${step.name} `);
    console.log(`\n${title} npm run ${step.script}  ${position}\n`);
    const running = waiting.find((one) => one.step === step) ?? startStep(step, outputOf(step));
    const outcome = await finish(running, durations[step.name]);
    outcomes.push(outcome);
    durations[step.name] = outcome.seconds;
    console.log(`\n${summaryLine(outcome)}`);
  }
  saveDurations(durations);
  console.log(`\n${outcomes.map(summaryLine).join("\n")}\n`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  // CI parses this line: it stays the last one, and plain.
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** vitest shows its own progress on a terminal, and a line for each file elsewhere. */
function outputOf(step: Step): "shown" | "kept" {
  return step.counts === "tests" ? "shown" : "kept";
}

/** Waits for a step's end, with progress where its output is kept; then prints that output. */
async function finish(running: RunningStep, lastSeconds: number | undefined): Promise<Outcome> {
  const { step } = running;
  if (outputOf(step) === "shown" && step.runs !== "waiting") return await running.outcome;
  const progress = new Progress(step.name, { unit: "test files" });
  if (lastSeconds !== undefined) progress.note(`${Math.round(lastSeconds)} s last time`);
  const poll = setInterval(() => {
    const files = running.progress();
    if (files !== null) progress.set(files.done, files.total);
  }, POLL_INTERVAL_MS);
  const outcome = await running.outcome;
  clearInterval(poll);
  progress.end();
  process.stdout.write(running.output());
  return outcome;
}

function summaryLine({ step, passed, failed, seconds, remark }: Outcome): string {
  const mark = failed === 0 ? paint("green", "✓") : paint(["bold", "red"], "✗");
  const count = step.counts === "tests" ? `${passed} passed, ${failed} failed` : "";
  const facts = [`${seconds.toFixed(1)} s`.padStart(8), count, remark].filter(Boolean);
  return `${mark} ${step.name.padEnd(12)} ${facts.join("   ")}`;
}

await main(process.argv.slice(2));
