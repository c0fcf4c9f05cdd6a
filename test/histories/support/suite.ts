import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { history } from "./history-arbitrary.ts";
import { report } from "./report.ts";
import { coverage, runHistory } from "./run.ts";

declare module "vitest" {
  interface TaskMeta {
    /** Counts of the histories' steps and outcomes, for bench/histories.ts. */
    histories?: Readonly<Record<string, number>>;
  }
}

/** The number of test files, each with its own runtime, that share the histories. */
const SHARES = 2;

/**
 * Defines the test of one share of the histories. Their number, the seed and the path of one history
 * to replay are variables of the environment; without a seed every run draws other histories.
 */
export function testShare(share: 0 | 1): void {
  const path = env.HISTORIES_PATH;
  const numRuns = path === "" ? Math.ceil(Number(env.HISTORIES) / SHARES) : 1;
  const firstSeed = env.HISTORIES_SEED === "" ? Date.now() % 2 ** 31 : Number(env.HISTORIES_SEED);
  const seed = firstSeed + share;
  // A replayed history belongs to the first share only.
  const isIdle = path !== "" && share > 0;
  describe("I1-I7, I9-I11: simulated histories", () => {
    test.skipIf(isIdle)(
      `${numRuns} random histories of seed ${seed} keep all invariants`,
      async ({ task }) => {
        const details = await fc.check(fc.asyncProperty(history, runHistory), {
          numRuns,
          seed,
          ...(path === "" ? {} : { path }),
        });
        task.meta.histories = { "histories run": details.numRuns, ...Object.fromEntries(coverage) };
        if (!details.failed) return;
        const [shrunk] = details.counterexample ?? [];
        const error = details.errorInstance;
        throw new Error(
          report({
            message: error instanceof Error ? error.message : "",
            historyCount: details.numRuns,
            seed,
            path: details.counterexamplePath,
            shrunk,
          }),
        );
      },
    );
  });
}
