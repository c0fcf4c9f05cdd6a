import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { test } from "vitest";
import { live, tally } from "./live.ts";
import { history } from "./draw-history.ts";
import { tell } from "./tell.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What the histories came to, for bench/histories.ts. */
    histories?: Readonly<Record<string, number>>;
  }
}

/** How many processors the histories are shared between. */
const SHARES = 2;

/**
 * One share of the histories. How many, from which seed, and the path of one to replay, comes from
 * bench/histories.ts; in CI they are few, and others each time.
 */
export function livesOf(share: 0 | 1): void {
  const path = env.HISTORIES_PATH;
  const runs = path === "" ? Math.ceil(Number(env.HISTORIES) / SHARES) : 1;
  const first = env.HISTORIES_SEED === "" ? Date.now() % 2 ** 31 : Number(env.HISTORIES_SEED);
  const seed = first + share;
  // One that is lived through again is one share's.
  const idle = path !== "" && share > 0;
  test.skipIf(idle)(
    `${runs} random lives of orders keep all invariants (seed ${seed})`,
    async ({ task }) => {
      const outcome = await fc.check(fc.asyncProperty(history, live), {
        numRuns: runs,
        seed,
        ...(path === "" ? {} : { path }),
      });
      task.meta.histories = { "histories lived": outcome.numRuns, ...Object.fromEntries(tally) };
      if (!outcome.failed) return;
      const [worst] = outcome.counterexample ?? [];
      const words = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : "";
      const lived = outcome.numRuns;
      throw new Error(tell({ words, lived, seed, path: outcome.counterexamplePath, worst }));
    },
  );
}
