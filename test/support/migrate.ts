import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { forgetSettings } from "../../src/settings/settings.ts";

// The test files share one worker, so that its modules load once. Each file starts with empty
// storage, production's migrations and empty caches.
await reset();
await dropTables();
await applyD1Migrations(env.DB, env.MIGRATIONS);
forgetSettings();

/** `reset` has been seen to leave a database as it was while the machine was busy. */
async function dropTables(): Promise<void> {
  const { results } = await env.DB.prepare(
    "select name from sqlite_master where type = 'table' and name not glob '_cf_*' and name not glob 'sqlite_*'",
  ).all<{ name: string }>();
  if (results.length === 0) return;
  await env.DB.batch([
    env.DB.prepare("pragma defer_foreign_keys = on"),
    ...results.map(({ name }) => env.DB.prepare(`drop table "${name}"`)),
  ]);
}
