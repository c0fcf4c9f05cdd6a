import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig, defineProject } from "vitest/config";

/** All of these run in workerd. The end-to-end tests run outside, against two real Workers. */
const workers = async (protocol: "v2" | "v3" = "v2") =>
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

/** Property tests run hundreds of cases on a machine with two cores. */
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

/** What has no storage and no globals of its own: one worker runs all these files. */
const PURE = ["test/{contract,domain,lib,wechat}/**/*.test.ts"];

/** What knows nothing of WeChat, or raises the same concerns whatever it speaks. */
const PROTOCOL_FREE = ["timers", "timeline", "hostile-answers", "incidents", "refund-incidents"];

/** An order's whole life: told once, run in both of WeChat's protocols. */
const EITHER_PROTOCOL = [
  "test/orders/**/*.test.ts",
  "test/api/{create-order,create-order-trips,order,repeated-order}.test.ts",
];

export default defineConfig({
  test: {
    // Logs are read when something fails.
    silent: "passed-only",
    // One runtime a processor.
    maxWorkers: 2,
    projects: [
      defineProject({
        test: { name: "tooling", include: ["test/tooling/**/*.test.ts"], ...timeouts },
      }),
      defineProject(async () => ({
        plugins: [await workers()],
        test: { name: "unit", include: PURE, isolate: false, ...timeouts },
      })),
      defineProject(async () => ({
        plugins: [await workers()],
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          isolate: false,
          exclude: ["test/e2e/**", "test/histories/**", "test/tooling/**", ...PURE],
          setupFiles: ["test/support/migrate.ts"],
          ...timeouts,
        },
      })),
      defineProject(async () => ({
        plugins: [await workers("v3")],
        test: {
          name: "integration-v3",
          isolate: false,
          include: EITHER_PROTOCOL,
          exclude: PROTOCOL_FREE.map((name) => `test/orders/**/${name}.test.ts`),
          setupFiles: ["test/support/migrate.ts"],
          ...timeouts,
        },
      })),
    ],
  },
});
