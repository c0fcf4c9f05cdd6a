import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { findAppRows, findMerchantRows, forgetHighestIds } from "../db/settings-rows.ts";
import type { VerifyKeyRow } from "../db/verify-keys.ts";
import { isPublishedKey } from "../lib/published.ts";
import { err, type Result } from "../lib/result.ts";
import { importMasterKey, type MasterKey } from "../lib/secret-box.ts";
import { MAX_AGE_MS, TtlCache } from "../lib/ttl-cache.ts";
import { log } from "../observability/log.ts";
import type { Merchant } from "../wechat/types.ts";
import { noteOpenIncidents } from "./open-incidents.ts";
import { openApp, openMerchant, type AppSettings, type SettingsFault } from "./unseal.ts";

const appCache = new TtlCache<AppSettings, SettingsFault>();
const merchantCache = new TtlCache<Merchant, SettingsFault>();
let lastKey:
  | { readonly base64: string; readonly previous: string | null; readonly masterKey: MasterKey }
  | undefined;

/** MASTER_KEY and MASTER_KEY_PREVIOUS, imported once per isolate. */
export async function masterKeyOf(config: Config): Promise<MasterKey> {
  const { masterKey: base64, previousMasterKey: previous } = config;
  if (lastKey?.base64 !== base64 || lastKey.previous !== previous) {
    lastKey = { base64, previous, masterKey: await importMasterKey(base64, previous) };
  }
  return lastKey.masterKey;
}

/** The secrets of apps and merchants in the clear, bound to a database and to the master key. */
export interface Settings {
  /**
   * An app with its merchant, at most 60 s old, in one query; disabled apps included. Throws when D1
   * fails: an outage must not look like an unknown app. Made-up ids cost at most two reads per
   * second; an app created within that second may be absent for an isolate under such a flood.
   */
  app(appId: number, nowAt?: number): Promise<Result<AppSettings, SettingsFault>>;
  /**
   * A merchant, at most `maxAgeMs` (60 s) old: for notifications, and for orders whose app has
   * changed merchants. Throws when D1 fails. Made-up ids are limited as for apps.
   */
  merchant(
    merchantId: number,
    maxAgeMs?: number,
    nowAt?: number,
  ): Promise<Result<Merchant, SettingsFault>>;
  /** The key that encrypts and decrypts the stored secrets. */
  masterKey(): Promise<MasterKey>;
}

/** The source of the settings. */
interface Source {
  readonly db: Database;
  readonly masterKey: () => Promise<MasterKey>;
  readonly environment: Config["environment"];
}

/** Makes no trip itself: the first look-up does. */
export function openSettings(source: Source): Settings {
  const { masterKey } = source;
  return {
    app: async (appId, nowAt = Date.now()) =>
      await findApp(source, await masterKey(), appId, nowAt),
    merchant: async (merchantId, maxAgeMs = MAX_AGE_MS, nowAt = Date.now()) =>
      await findMerchant(source, await masterKey(), merchantId, maxAgeMs, nowAt),
    masterKey,
  };
}

async function findApp(
  { db, environment }: Source,
  masterKey: MasterKey,
  appId: number,
  nowAt: number,
): Promise<Result<AppSettings, SettingsFault>> {
  return await appCache.get(`${masterKey.id}.${appId}`, nowAt, async () => {
    const rows = await findAppRows(db, appId, nowAt);
    const [row] = rows;
    if (row === undefined) return err("absent");
    noteOpenIncidents(row.merchants.id, row.openIncidents);
    const merchant = await openMerchant(row.merchants, keysIn(rows, environment), masterKey);
    return merchant.ok
      ? await openApp(row.apps, row.requestKeys, merchant.value, masterKey, nowAt)
      : merchant;
  });
}

async function findMerchant(
  { db, environment }: Source,
  masterKey: MasterKey,
  merchantId: number,
  maxAgeMs: number,
  nowAt: number,
): Promise<Result<Merchant, SettingsFault>> {
  const load = async (): Promise<Result<Merchant, SettingsFault>> => {
    const rows = await findMerchantRows(db, merchantId, nowAt);
    const [row] = rows;
    if (row === undefined) return err("absent");
    noteOpenIncidents(merchantId, row.openIncidents);
    return await openMerchant(row.merchants, keysIn(rows, environment), masterKey);
  };
  return await merchantCache.get(`${masterKey.id}.${merchantId}`, nowAt, load, maxAgeMs);
}

/**
 * The salts that an app may sign with now: the current one, a staged one, and the old one until it
 * expires.
 */
export function validSalts(app: AppSettings, nowAt: number): string[] {
  const { salt, stagedSalt, oldSalt: old } = app;
  const salts = stagedSalt === null ? [salt] : [salt, stagedSalt];
  return old !== null && nowAt < old.expiresAt ? [...salts, old.salt] : salts;
}

/** The secrets that sign calls to the app: the current one, then the old one until it expires. */
export function validWebhookSecrets(app: AppSettings, nowAt: number): string[] {
  const old = app.oldWebhookSecret;
  return old !== null && nowAt < old.expiresAt
    ? [app.webhookSecret, old.secret]
    : [app.webhookSecret];
}

/**
 * Clears this isolate's cached settings: to be called after every change by the admin API. Other
 * isolates can't be reached; they see the change when their copy expires (60 s at most).
 */
export function forgetSettings(): void {
  appCache.clear();
  merchantCache.clear();
  forgetHighestIds();
}

/**
 * The keys that verify WeChat's signatures. Outside development without published ones, however they
 * were stored (entered before they were refused, fetched from a sandbox): anyone can sign with them.
 */
function keysIn(
  rows: readonly { readonly verify_keys: VerifyKeyRow | null }[],
  environment: Config["environment"],
): VerifyKeyRow[] {
  const keys = rows.flatMap((row) => row.verify_keys ?? []);
  if (environment === "development") return keys;
  return keys.filter(({ merchantId, keyId, publicKeyPem }) => {
    if (!isPublishedKey(publicKeyPem)) return true;
    log("error", "verify_key_published", { merchant: merchantId, keyId });
    return false;
  });
}
