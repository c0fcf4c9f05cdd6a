import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { Progress } from "../testkit/progress.ts";
import {
  killGroup,
  removeFolder,
  temporaryFolder,
  trackGroup,
} from "../testkit/stack/leftovers.ts";
import { quietEnvironment, ROOT } from "../testkit/stack/project.ts";
import { parseCount } from "./support/count.ts";

const DEFAULT_HISTORIES = 1_000;
const MAX_SEED = 2 ** 31;

/**
 * Histories per vitest run. vitest reports a test only at its end, so this is the step of the
 * progress; a run's start costs ten seconds.
 */
const HISTORIES_PER_RUN = 250;
/** Each run uses its seed and the next one: one for each of its two test files. */
const SEEDS_PER_RUN = 2;

const report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ meta: z.object({ histories: z.record(z.string(), z.number()).optional() }) }),
      ),
    }),
  ),
});

/** What one vitest run does. */
interface Plan {
  readonly histories: number;
  readonly seed: number;
  /** fast-check's path of one history to repeat; empty for all. */
  readonly path: string;
}

interface RunResult {
  readonly code: number;
  /** What happened, and how often. */
  readonly counts: ReadonlyMap<string, number>;
  readonly output: string;
}

/**
 * `npm run bench:histories -- 10000`: random histories of orders, on two processors; ends with the
 * first run of vitest that fails, and prints its output. `-- --seed S --path P` repeats one history.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * MAX_SEED)) },
      path: { type: "string", default: "" },
    },
  });
  const histories = parseCount("histories", positionals[0] ?? String(DEFAULT_HISTORIES));
  const seed = Number(values.seed);
  const plans =
    values.path === "" ? plansFor(histories, seed) : [{ histories: 1, seed, path: values.path }];
  console.log(values.path === "" ? `${histories} histories, seed ${seed}` : "one history again");
  const startedAt = performance.now();
  const { code, counts } = await runAll(plans, histories);
  for (const [name, count] of [...counts].toSorted(([a], [b]) => a.localeCompare(b))) {
    console.log(`${name.padEnd(28)} ${count}`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${seconds} s, ${code === 0 ? "all invariants held" : "FAILED"}`);
  process.exitCode = code;
}

function plansFor(histories: number, seed: number): readonly Plan[] {
  return Array.from({ length: Math.ceil(histories / HISTORIES_PER_RUN) }, (_, index) => ({
    histories: Math.min(HISTORIES_PER_RUN, histories - index * HISTORIES_PER_RUN),
    seed: (seed + index * SEEDS_PER_RUN) % MAX_SEED,
    path: "",
  }));
}

async function runAll(
  plans: readonly Plan[],
  histories: number,
): Promise<Pick<RunResult, "code" | "counts">> {
  const progress = new Progress("histories", { unit: "histories", total: histories });
  const counts = new Map<string, number>();
  for (const plan of plans) {
    const result = await run(plan);
    for (const [name, count] of result.counts) counts.set(name, (counts.get(name) ?? 0) + count);
    progress.add(plan.histories);
    if (result.code === 0) continue;
    progress.end();
    process.stdout.write(result.output);
    return { code: result.code, counts };
  }
  progress.end();
  return { code: 0, counts };
}

async function run(plan: Plan): Promise<RunResult> {
  const scratch = temporaryFolder("histories-");
  const files = {
    report: path.join(scratch, "report.json"),
    output: path.join(scratch, "output"),
  };
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${files.report}`];
  const stream = openSync(files.output, "w");
  const child = spawn(process.execPath, [vitest, "run", "--project=histories", ...reporters], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", stream, stream],
    env: {
      ...quietEnvironment(scratch),
      HISTORIES: String(plan.histories),
      HISTORIES_SEED: String(plan.seed),
      HISTORIES_PATH: plan.path,
    },
  });
  if (child.pid === undefined) throw new Error("vitest can't be run");
  trackGroup(child.pid);
  const [code] = await once(child, "exit");
  killGroup(child.pid);
  closeSync(stream);
  const output = readFileSync(files.output, "utf8");
  // A run that crashed has written no report.
  const { testResults } = existsSync(files.report)
    ? report.parse(JSON.parse(readFileSync(files.report, "utf8")))
    : { testResults: [] };
  removeFolder(scratch);
  const counts = new Map<string, number>();
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  for (const [name, count] of tests.flatMap(({ meta }) => Object.entries(meta.histories ?? {}))) {
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return { code: typeof code === "number" ? code : 1, counts, output };
}

await main();
