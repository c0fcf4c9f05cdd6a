import { readFileSync } from "node:fs";
import path from "node:path";
import { runStep, type Outcome, type Step } from "./check/step.ts";
import { removeFolder, temporaryFolder } from "../testkit/stack/leftovers.ts";
import { paint } from "../testkit/terminal.ts";

/** All that must hold, cheap things first. Each is a script of package.json, to be run alone too. */
const STEPS: readonly Step[] = [
  { name: "format", script: "format:check" },
  { name: "lint", script: "lint" },
  { name: "types", script: "types" },
  { name: "bindings", script: "types:bindings:check" },
  { name: "migrations", script: "db:check" },
  { name: "deploy", script: "deploy:check" },
  { name: "workers", script: "test:workers", counts: "tests" },
  { name: "histories", script: "test:histories", counts: "tests" },
  { name: "sandbox", script: "test:sandbox", counts: "tests" },
  { name: "e2e", script: "test:e2e", counts: "tests", runs: "waiting" },
];

/**
 * `npm test`, the same here and in CI: goes on after a failure, so that one run tells everything.
 * `npm test -- lint e2e` runs those only.
 */
async function main(wanted: readonly string[]): Promise<void> {
  const strangers = wanted.filter((name) => !STEPS.some((step) => step.name === name));
  if (strangers.length > 0) {
    const names = STEPS.map((step) => step.name).join(", ");
    console.error(`No such step: ${strangers.join(", ")}. The steps are ${names}.`);
    process.exitCode = 1;
    return;
  }
  const steps = STEPS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const outcomes: Outcome[] = [];
  const beside = steps.filter(({ runs }) => runs === "waiting").map(begin);
  for (const step of steps) {
    const begun = beside.find((one) => one.step === step);
    console.log(`\n${paint(["bold", "inverse"], ` ${step.name} `)} npm run ${step.script}\n`);
    const outcome = await (begun?.outcome ?? runStep(step));
    if (begun !== undefined) process.stdout.write(begun.output());
    outcomes.push(outcome);
    console.log(`\n${line(outcome)}`);
  }
  console.log(`\n${outcomes.map(line).join("\n")}\n`);
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  // CI reads this line: it stays the last, and plain.
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** Begins a step beside the others; its output is to be had when it has ended. */
function begin(step: Step) {
  const folder = temporaryFolder("check-output-");
  const file = path.join(folder, step.name);
  return {
    step,
    outcome: runStep(step, file),
    output: () => {
      const kept = readFileSync(file);
      removeFolder(folder);
      return kept;
    },
  };
}

function line({ step, passed, failed, seconds, remark }: Outcome): string {
  const mark = failed === 0 ? paint("green", "✓") : paint(["bold", "red"], "✗");
  const count = step.counts === "tests" ? `${passed} passed, ${failed} failed` : "";
  const facts = [`${seconds.toFixed(1)} s`.padStart(8), count, remark].filter(Boolean);
  return `${mark} ${step.name.padEnd(12)} ${facts.join("   ")}`;
}

await main(process.argv.slice(2));
