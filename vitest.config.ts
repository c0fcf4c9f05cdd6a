import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { configDefaults, defineConfig, defineProject } from "vitest/config";

/*
 * One configuration for all tests that need no running Worker. Two others stay apart: the end-to-end
 * tests (vitest.e2e.config.ts) share one started stack, whose set-up would otherwise run here too;
 * bench:cost (bench/cost/vitest.config.ts) has a reporter of its own.
 */

/** The gateway's own Worker in workerd; the end-to-end tests run outside, against started Workers. */
const gateway = async (protocol: "v2" | "v3" = "v2") =>
  cloudflareTest({
    wrangler: { configPath: "./wrangler.toml" },
    miniflare: {
      bindings: {
        ADMIN_TOKEN: "test-admin-token",
        MASTER_KEY: "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=",
        PUBLIC_URL: "https://gateway.test",
        WECHAT_PAY_URL: "https://wechat.test",
        TEST_PROTOCOL: protocol,
        MIGRATIONS: await readD1Migrations("migrations"),
      },
    },
  });

const sandbox = () => cloudflareTest({ wrangler: { configPath: "./sandbox/wrangler.toml" } });

/** The gateway and the sandbox in one isolate. */
const gatewayAndSandbox = async () => {
  const { HISTORIES = "120", HISTORIES_SEED = "", HISTORIES_PATH = "" } = process.env;
  return cloudflareTest({
    wrangler: { configPath: "./test/histories/wrangler.toml" },
    miniflare: {
      bindings: {
        ADMIN_TOKEN: "canary-of-the-admin-token",
        MASTER_KEY: "Y2FuYXJ5LW9mLXRoZS1tYXN0ZXIta2V5LTMyYnl0ZXM=",
        MIGRATIONS: await readD1Migrations("migrations"),
        HISTORIES,
        HISTORIES_SEED,
        HISTORIES_PATH,
      },
    },
  });
};

/** Property tests run hundreds of cases on a machine with two cores. */
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

/** Tests without storage and without globals: one worker runs all these files. */
const PURE = ["test/{contract,domain,lib,wechat}/**/*.test.ts"];

/** Tests of what doesn't depend on the protocol. */
const PROTOCOL_FREE = ["timers", "timeline", "hostile-answers", "incidents", "refund-incidents"];

/** An order's whole life: written once, run in both protocols. */
const EITHER_PROTOCOL = [
  "test/orders/**/*.test.ts",
  "test/api/{create-order,create-order-trips,order,repeated-order}.test.ts",
];

export default defineConfig({
  test: {
    // Logs are shown when something fails.
    silent: "passed-only",
    // One runtime per processor.
    maxWorkers: 2,
    projects: [
      defineProject({
        test: {
          name: "tooling",
          include: ["test/tooling/**/*.test.ts"],
          ...timeouts,
        },
      }),
      defineProject(async () => ({
        plugins: [await gateway()],
        test: { name: "unit", include: PURE, isolate: false, ...timeouts },
      })),
      defineProject(async () => ({
        plugins: [await gateway()],
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/{e2e,histories,tooling}/**", ...PURE],
          isolate: false,
          setupFiles: ["test/support/migrate.ts"],
          ...timeouts,
        },
      })),
      defineProject(async () => ({
        plugins: [await gateway("v3")],
        test: {
          name: "integration-v3",
          include: EITHER_PROTOCOL,
          exclude: PROTOCOL_FREE.map((name) => `test/orders/**/${name}.test.ts`),
          isolate: false,
          setupFiles: ["test/support/migrate.ts"],
          ...timeouts,
        },
      })),
      defineProject({
        plugins: [sandbox()],
        test: {
          name: "sandbox",
          include: ["sandbox/test/**/*.test.ts"],
          isolate: false,
          setupFiles: ["sandbox/test/setup.ts"],
        },
      }),
      defineProject(async () => ({
        plugins: [await gatewayAndSandbox()],
        test: {
          name: "histories",
          include: ["test/histories/*.test.ts"],
          setupFiles: ["test/support/migrate.ts"],
          // A long run is ended by whoever began it.
          testTimeout: 24 * 3600_000,
        },
      })),
    ],
  },
});
