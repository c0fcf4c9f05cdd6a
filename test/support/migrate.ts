import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { forgetSettings } from "../../src/settings/settings.ts";

// The test files share one worker, so that its modules load once. Each file starts with empty
// storage, production's migrations and empty caches.
await reset();
await applyD1Migrations(env.DB, env.MIGRATIONS);
forgetSettings();
