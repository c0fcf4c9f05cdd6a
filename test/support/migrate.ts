import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

// Storage is isolated per file: each file starts from the migrations that production runs.
await applyD1Migrations(env.DB, env.MIGRATIONS);
