import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { removeFolder, temporaryFolder } from "../testkit/stack/leftovers.ts";
import { quietEnvironment, ROOT } from "../testkit/stack/project.ts";

const DEFAULT_HISTORIES = 1_000;
const MOST_SEED = 2 ** 31;

const report = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({ meta: z.object({ histories: z.record(z.string(), z.number()).optional() }) }),
      ),
    }),
  ),
});

/**
 * `npm run bench:histories -- 10000`: many random lives of orders, on two processors.
 * `-- --seed S --path P` lives through one of them again. What fails, vitest prints.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * MOST_SEED)) },
      path: { type: "string", default: "" },
    },
  });
  const histories = positionals[0] ?? String(DEFAULT_HISTORIES);
  console.log(values.path === "" ? `${histories} histories, seed ${values.seed}` : "one again");
  const startedAt = performance.now();
  const { code, facts } = await run(histories, values.seed, values.path);
  for (const [name, count] of facts) console.log(`${name.padEnd(28)} ${count}`);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(`${seconds} s, ${code === 0 ? "all invariants held" : "FAILED"}`);
  process.exitCode = code;
}

interface End {
  readonly code: number;
  /** What happened, and how often, over both shares. */
  readonly facts: readonly (readonly [string, number])[];
}

async function run(histories: string, seed: string, replayed: string): Promise<End> {
  const scratch = temporaryFolder("histories-");
  const file = path.join(scratch, "report.json");
  const vitest = path.join(ROOT, "node_modules/vitest/vitest.mjs");
  const config = path.join(ROOT, "test/histories/vitest.config.ts");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const child = spawn(process.execPath, [vitest, "run", `--config=${config}`, ...reporters], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...quietEnvironment(scratch),
      HISTORIES: histories,
      HISTORIES_SEED: seed,
      HISTORIES_PATH: replayed,
    },
  });
  const [code] = await once(child, "exit");
  const { testResults } = report.parse(JSON.parse(readFileSync(file, "utf8")));
  removeFolder(scratch);
  const sum = new Map<string, number>();
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  for (const [name, count] of tests.flatMap(({ meta }) => Object.entries(meta.histories ?? {}))) {
    sum.set(name, (sum.get(name) ?? 0) + count);
  }
  const facts = [...sum].toSorted(([a], [b]) => a.localeCompare(b));
  return { code: typeof code === "number" ? code : 1, facts };
}

await main();
