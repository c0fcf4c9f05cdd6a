import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { test } from "vitest";
import { live, tally } from "./support/live.ts";
import { history } from "./support/steps.ts";
import { tell } from "./support/tell.ts";

// How many, from which seed, and the path of one to replay: bench/histories.ts says; in CI few,
// and others each time.
const runs = Number(env.HISTORIES);
const seed = env.HISTORIES_SEED === "" ? Date.now() % 2 ** 31 : Number(env.HISTORIES_SEED);
const path = env.HISTORIES_PATH;

declare module "vitest" {
  interface TaskMeta {
    /** What the histories came to, for bench/histories.ts. */
    histories?: { readonly seed: number; readonly tookMs: number } & Readonly<
      Record<string, number>
    >;
  }
}

test(`${runs} random lives of orders keep all invariants (seed ${seed})`, async ({ task }) => {
  const startedAt = performance.now();
  const outcome = await fc.check(fc.asyncProperty(history, live), {
    numRuns: runs,
    seed,
    ...(path === "" ? {} : { path }),
  });
  const tookMs = performance.now() - startedAt;
  task.meta.histories = { seed, tookMs, ...Object.fromEntries(tally) };
  if (!outcome.failed) return;
  const [worst] = outcome.counterexample ?? [];
  const words = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : "";
  throw new Error(tell({ words, seed, path: outcome.counterexamplePath, worst }));
});
