import type { D1Migration } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_PROTOCOL?: "v2" | "v3";
      MIGRATIONS: D1Migration[];
    }
  }
}
