import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

const report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});

/** The counts of a vitest run, and what they don't say. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly remark: string;
}

/**
 * Counts the tests of a vitest run from its JSON report. A run that crashed, ran nothing, or ended
 * with an error outside of any test counts as failed, even if its tests passed.
 */
export function readReport(file: string, exitCode: number | null): Counts {
  if (!existsSync(file)) return { passed: 0, failed: 1, remark: "vitest wrote no report" };
  const parsed = report.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (!parsed.success) return { passed: 0, failed: 1, remark: "vitest's report is unreadable" };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } =
    parsed.data;
  const unloaded = testResults.filter(
    (result) => result.status === "failed" && result.assertionResults.length === 0,
  ).length;
  const failed = numFailedTests + unloaded;
  const left = numPendingTests + numTodoTests;
  const remark = [
    ...(unloaded > 0 ? [`${unloaded} files could not be loaded`] : []),
    ...(left > 0 ? [`${left} skipped`] : []),
  ].join(", ");
  if (numPassedTests + failed === 0) return { passed: 0, failed: 1, remark: "no test was run" };
  if (exitCode !== 0 && failed === 0) {
    return { passed: numPassedTests, failed: 1, remark: `exit code ${exitCode ?? "none"}` };
  }
  return { passed: numPassedTests, failed, remark };
}
