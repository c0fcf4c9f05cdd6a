import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

// Unit and integration tests, all in workerd, with real D1 and Durable Objects. The end-to-end
// tests (test/e2e) run outside, against two real Workers: vitest.e2e.config.ts.
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          ADMIN_TOKEN: "test-admin-token",
          MASTER_KEY: "dGVzdC1tYXN0ZXIta2V5LXdpdGgtMzItYnl0ZXMhISE=",
          PUBLIC_URL: "https://gateway.test",
          WECHAT_PAY_URL: "https://wechat.test",
          MIGRATIONS: await readD1Migrations("migrations"),
        },
      },
    }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/**"],
    setupFiles: ["test/support/migrate.ts"],
    // Property tests run hundreds of cases on a two-core machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
