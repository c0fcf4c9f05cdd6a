import { desc, eq } from "drizzle-orm";
import type { Database } from "./database.ts";
import { HighestId } from "./highest-id.ts";
import { OPEN_INCIDENTS_OF_MERCHANT } from "./incidents.ts";
import { REQUEST_KEYS_OF_APP } from "./request-keys.ts";
import { apps, merchants, verifyKeys } from "./schema.ts";

const highestAppId = new HighestId(apps);
const highestMerchantId = new HighestId(merchants);

const NEWEST_KEY_FIRST = [desc(verifyKeys.createdAt), desc(verifyKeys.id)];

/**
 * An app's row with its request keys, its merchant and the merchant's verifying keys, one row per
 * verifying key: one trip.
 */
export async function findAppRows(db: Database, appId: number, nowAt: number) {
  return await highestAppId.find(db, appId, nowAt, async () => {
    return await db
      .select({
        apps,
        requestKeys: REQUEST_KEYS_OF_APP,
        merchants,
        verify_keys: verifyKeys,
        openIncidents: OPEN_INCIDENTS_OF_MERCHANT,
        highest: highestAppId.highest,
      })
      .from(apps)
      .innerJoin(merchants, eq(merchants.id, apps.merchantId))
      .leftJoin(verifyKeys, eq(verifyKeys.merchantId, merchants.id))
      .where(eq(apps.id, appId))
      .orderBy(...NEWEST_KEY_FIRST);
  });
}

/** A merchant's row with its verifying keys, one row per key: one trip. */
export async function findMerchantRows(db: Database, merchantId: number, nowAt: number) {
  return await highestMerchantId.find(db, merchantId, nowAt, async () => {
    return await db
      .select({
        merchants,
        verify_keys: verifyKeys,
        openIncidents: OPEN_INCIDENTS_OF_MERCHANT,
        highest: highestMerchantId.highest,
      })
      .from(merchants)
      .leftJoin(verifyKeys, eq(verifyKeys.merchantId, merchants.id))
      .where(eq(merchants.id, merchantId))
      .orderBy(...NEWEST_KEY_FIRST);
  });
}

/** Clears this isolate's highest ids: to be called after a row was added. */
export function forgetHighestIds(): void {
  highestAppId.clear();
  highestMerchantId.clear();
}
