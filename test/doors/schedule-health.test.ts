import { expect, test } from "vitest";
import { hasScheduleStopped } from "../../src/health.ts";

const HOUR_MS = 3600_000;
const NOW = 1_790_000_000_000;

test.for([
  ["that has never run yet", null, false],
  ["that has just run", NOW, false],
  ["that ran an hour ago", NOW - HOUR_MS, false],
  ["that ran over an hour ago", NOW - HOUR_MS - 1, true],
  ["that ran by a clock ahead of ours", NOW + 5_000, false],
] as const)("a schedule %s", ([, scheduledAt, stopped]) => {
  expect(hasScheduleStopped(scheduledAt, NOW)).toBe(stopped);
});
