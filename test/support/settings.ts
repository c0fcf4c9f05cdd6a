import type { Database } from "../../src/db/database.ts";
import type { MasterKey } from "../../src/lib/secret-box.ts";
import { MAX_AGE_MS } from "../../src/lib/ttl-cache.ts";
import { openSettings } from "../../src/settings/settings.ts";

/** An app as a request at `nowAt` sees it. */
export async function readApp(db: Database, masterKey: MasterKey, appId: number, nowAt: number) {
  return await openSettings(db, async () => masterKey).app(appId, nowAt);
}

/** A merchant as a request at `nowAt` sees it. */
export async function readMerchant(
  db: Database,
  masterKey: MasterKey,
  merchantId: number,
  nowAt: number,
) {
  return await openSettings(db, async () => masterKey).merchant(merchantId, MAX_AGE_MS, nowAt);
}
