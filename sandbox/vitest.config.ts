import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "./sandbox/wrangler.toml" } })],
  test: {
    name: "sandbox",
    include: ["sandbox/test/**/*.test.ts"],
    setupFiles: ["sandbox/test/setup.ts"],
    isolate: false,
    silent: "passed-only",
  },
});
