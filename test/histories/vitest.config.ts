import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const { HISTORIES = "120", HISTORIES_SEED = "", HISTORIES_PATH = "" } = process.env;

export default defineConfig({
  plugins: [
    cloudflareTest(async () => ({
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
    })),
  ],
  test: {
    name: "histories",
    include: ["test/histories/*.test.ts"],
    silent: "passed-only",
    // One runtime per processor.
    maxWorkers: 2,
    setupFiles: ["test/support/migrate.ts"],
    testTimeout: 24 * 3600_000,
  },
});
