import { defineConfig } from "vitest/config";

const COMMON = {
  // Most of these tests wait for timers of the gateway, so they run concurrently.
  sequence: { concurrent: true },
  maxConcurrency: 40,
  // Waiting is normal here, and not reported.
  slowTestThreshold: 60_000,
  // Time-outs only end what hangs: a busy machine is slow.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

/** Tests whose outcome could depend on the merchant's protocol. */
const IN_BOTH = [
  "order-lifecycle",
  "payment-notifications",
  "reconciliation",
  "refunds",
  "refund-faults",
  "secrets",
];

// Plain Node: the gateway and the sandbox run as two real Workers (testkit/stack), which the projects
// share. The test kit's own tests start stacks of their own.
export default defineConfig({
  test: {
    globalSetup: ["test/e2e/support/shared-stack.ts"],
    maxWorkers: 4,
    projects: [
      {
        test: { ...COMMON, name: "testkit", include: ["testkit/test/*.test.ts"] },
      },
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
