import { defineConfig } from "vitest/config";

// Plain Node: the gateway and the sandbox run outside, as two real Workers (scripts/stack.ts).
export default defineConfig({
  test: {
    name: "e2e",
    include: ["test/e2e/**/*.test.ts"],
    globalSetup: ["test/e2e/support/shared-stack.ts"],
    // Most of these tests wait for timers of the gateway: they may all wait at once.
    sequence: { concurrent: true },
    maxConcurrency: 40,
    maxWorkers: 4,
    // Nor is it worth a line that a test has waited.
    slowTestThreshold: 60_000,
    // Deadlines are safety nets: on a busy machine things are slow, not wrong.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
