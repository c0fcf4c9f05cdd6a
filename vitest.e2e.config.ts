import { defineConfig } from "vitest/config";

const COMMON = {
  // Most of these tests wait for timers of the gateway: they may all wait at once.
  sequence: { concurrent: true },
  maxConcurrency: 40,
  // Nor is it worth a line that a test has waited.
  slowTestThreshold: 60_000,
  // Deadlines are safety nets: on a busy machine things are slow, not wrong.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/** What a merchant's protocol could change; the rest never gets near it. */
const IN_BOTH = [
  "whole-life",
  "payment-notifications",
  "reconciliation",
  "refunds",
  "refund-faults",
  "secrets",
];

// Plain Node: the gateway and the sandbox run outside, as two real Workers (testkit/stack), which
// both projects share.
export default defineConfig({
  test: {
    globalSetup: ["test/e2e/support/shared-stack.ts"],
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...COMMON,
          name: "e2e",
          include: ["test/e2e/*.test.ts"],
          provide: { protocol: "v2" },
        },
      },
      {
        test: {
          ...COMMON,
          name: "e2e, APIv3",
          include: [...IN_BOTH.map((name) => `test/e2e/${name}.test.ts`), "test/e2e/v3/*.test.ts"],
          provide: { protocol: "v3" },
        },
      },
    ],
  },
});
