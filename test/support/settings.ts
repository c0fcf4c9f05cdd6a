import type { Database } from "../../src/db/database.ts";
import type { MasterKey } from "../../src/lib/secret-box.ts";
import { MAX_AGE_MS } from "../../src/lib/ttl-cache.ts";
import { openSettings } from "../../src/settings/settings.ts";

/** The app's settings as a request at `nowAt` reads them. */
export async function readApp(db: Database, masterKey: MasterKey, appId: number, nowAt: number) {
  return await openSettings(db, async () => masterKey).app(appId, nowAt);
}

/** The merchant's settings as a request at `nowAt` reads them. */
export async function readMerchant(
  db: Database,
  masterKey: MasterKey,
  merchantId: number,
  nowAt: number,
) {
  return await openSettings(db, async () => masterKey).merchant(merchantId, MAX_AGE_MS, nowAt);
}
