import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { CostReporter } from "./reporter.ts";

/** Runs in workerd, with a real D1 and real objects; WeChat and the app are the tests' fakes. */
export default defineConfig(async () => ({
  root: ".",
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          ADMIN_TOKEN: "bench-admin-token",
          MASTER_KEY: "YmVuY2gtbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=",
          PUBLIC_URL: "https://gateway.test",
          WECHAT_PAY_URL: "https://wechat.test",
          MIGRATIONS: await readD1Migrations("migrations"),
        },
      },
    }),
  ],
  test: {
    include: ["bench/cost/inside/*.test.ts"],
    setupFiles: ["test/support/migrate.ts"],
    reporters: [new CostReporter(), "default"],
    silent: true,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
