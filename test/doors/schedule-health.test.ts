import { expect, test } from "vitest";
import { hasScheduleStopped } from "../../src/health.ts";

const HOUR_MS = 3600_000;
const NOW = 1_790_000_000_000;

test.for([
  ["has never run", null, false],
  ["has just run", NOW, false],
  ["ran an hour ago", NOW - HOUR_MS, false],
  ["ran over an hour ago", NOW - HOUR_MS - 1, true],
  ["ran by a clock ahead of this one", NOW + 5_000, false],
] as const)("hasScheduleStopped: a schedule that %s", ([, scheduledAt, stopped]) => {
  expect(hasScheduleStopped(scheduledAt, NOW)).toBe(stopped);
});
