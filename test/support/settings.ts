import type { Config } from "../../src/config.ts";
import type { Database } from "../../src/db/database.ts";
import type { MasterKey } from "../../src/lib/secret-box.ts";
import { MAX_AGE_MS } from "../../src/lib/ttl-cache.ts";
import { openSettings } from "../../src/settings/settings.ts";

/** The app's settings as a request at `nowAt` reads them. */
export async function readApp(db: Database, masterKey: MasterKey, appId: number, nowAt: number) {
  return await settingsOf(db, masterKey).app(appId, nowAt);
}

/** The merchant's settings as a request at `nowAt` reads them. */
export async function readMerchant(
  db: Database,
  masterKey: MasterKey,
  merchantId: number,
  nowAt: number,
  environment: Config["environment"] = "development",
) {
  return await settingsOf(db, masterKey, environment).merchant(merchantId, MAX_AGE_MS, nowAt);
}

function settingsOf(
  db: Database,
  masterKey: MasterKey,
  environment: Config["environment"] = "development",
) {
  return openSettings({ db, masterKey: async () => masterKey, environment });
}
