import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { removeFolder, temporaryFolder } from "../scripts/support/leftovers.ts";
import { quietEnvironment, ROOT } from "../scripts/support/project.ts";

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
 * `npm run bench:histories -- 10000`: many random lives of orders, two runs side by side.
 * `-- --seed S --path P` lives through one of them again.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: String(Math.floor(Math.random() * MOST_SEED)) },
      path: { type: "string", default: "" },
      shards: { type: "string", default: "2" },
    },
  });
  const replay = values.path !== "";
  const histories = replay ? 1 : Number(positionals[0] ?? DEFAULT_HISTORIES);
  const shards = replay ? 1 : Math.min(Number(values.shards), histories);
  const seeds = Array.from(
    { length: shards },
    (_, shard) => (Number(values.seed) + shard) % MOST_SEED,
  );
  console.log(`${histories} histories, seeds ${seeds.join(", ")}`);
  const ends = await Promise.all(
    seeds.map(async (seed) => await run(Math.ceil(histories / shards), seed, values.path)),
  );
  const sum = new Map<string, number>();
  for (const { facts } of ends) {
    for (const [name, count] of Object.entries(facts)) sum.set(name, (sum.get(name) ?? 0) + count);
  }
  for (const [name, count] of [...sum].toSorted(([a], [b]) => a.localeCompare(b))) {
    if (name !== "seed" && name !== "tookMs") console.log(`${name.padEnd(28)} ${count}`);
  }
  const tookMs = Math.max(...ends.map(({ facts }) => facts["tookMs"] ?? 0));
  const failed = ends.filter(({ code }) => code !== 0).length;
  console.log(
    `${(tookMs / 1000).toFixed(1)} s, ${failed === 0 ? "all invariants held" : "FAILED"}`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

interface End {
  readonly code: number;
  readonly facts: Readonly<Record<string, number>>;
}

/** One vitest run in a runtime of its own; what fails it prints itself. */
async function run(histories: number, seed: number, replayed: string): Promise<End> {
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
      HISTORIES: String(histories),
      HISTORIES_SEED: String(seed),
      HISTORIES_PATH: replayed,
    },
  });
  const [code] = await once(child, "exit");
  const { testResults } = report.parse(JSON.parse(readFileSync(file, "utf8")));
  removeFolder(scratch);
  const [first] = testResults.flatMap(({ assertionResults }) => assertionResults);
  return { code: typeof code === "number" ? code : 1, facts: first?.meta.histories ?? {} };
}

await main();
