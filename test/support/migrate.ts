import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { forgetSettings } from "../../src/settings/settings.ts";

// The files share one worker, so that its modules are loaded once; each file starts with empty
// storage, migrated as production is, and with nothing remembered of the file before.
await reset();
await applyD1Migrations(env.DB, env.MIGRATIONS);
forgetSettings();
