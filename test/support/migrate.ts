import {
  applyD1Migrations,
  listDurableObjectIds,
  reset,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { forgetSettings } from "../../src/settings/settings.ts";

// The test files share one worker, so that its modules load once. Each file starts with empty
// storage, production's migrations and empty caches.
await reset();
await dropTables();
await clearQueryLimits();
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

/** As for the tables: a merchant's id begins at 1 in each file, and its count would be another's. */
async function clearQueryLimits(): Promise<void> {
  const { QUERY_LIMIT_OBJECT } = env;
  for (const id of await listDurableObjectIds(QUERY_LIMIT_OBJECT)) {
    await runInDurableObject(QUERY_LIMIT_OBJECT.get(id), async (_object, { storage }) => {
      await storage.deleteAll();
    });
  }
}
