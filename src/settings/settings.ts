import { desc, eq } from "drizzle-orm";
import type { Config } from "../config.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { importMasterKey, type MasterKey } from "../lib/secret-box.ts";
import type { Merchant, V2Credentials, V3Credentials } from "../wechat/types.ts";
import { HighestId } from "../db/highest-id.ts";
import type { Database } from "../db/database.ts";
import { apps, merchants, verifyKeys } from "../db/schema.ts";
import { openFrom } from "../db/secrets.ts";
import { MAX_AGE_MS, TtlCache } from "../lib/ttl-cache.ts";
import { verifyKeyOf, type VerifyKeyRow } from "../db/verify-keys.ts";

/** An app's settings in the clear. Lives in memory only; never logged, never answered. */
export interface AppSettings {
  readonly id: number;
  readonly name: string;
  /** A disabled app is told the same as an unknown one. */
  readonly enabled: boolean;
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly payNotifyUrl: string;
  readonly refundNotifyUrl: string;
  readonly salt: string;
  /** The salt before the last rotation; to be asked for with `validSalts`. */
  readonly oldSalt: { readonly salt: string; readonly expiresAt: number } | null;
  /** `whsec_` and base64. */
  readonly webhookSecret: string;
  readonly oldWebhookSecret: { readonly secret: string; readonly expiresAt: number } | null;
  /** For new orders; an existing order keeps its own. */
  readonly merchant: Merchant;
}

/** `absent`: no such row. `unreadable`: its secrets don't open under this MASTER_KEY (the log says why). */
export type SettingsFault = "absent" | "unreadable";

type AppRow = typeof apps.$inferSelect;
type MerchantRow = typeof merchants.$inferSelect;

const appCache = new TtlCache<AppSettings, SettingsFault>();
const merchantCache = new TtlCache<Merchant, SettingsFault>();
const appCeiling = new HighestId(apps);
const merchantCeiling = new HighestId(merchants);
let lastKey:
  | { readonly base64: string; readonly previous: string | null; readonly masterKey: MasterKey }
  | undefined;

/** MASTER_KEY and MASTER_KEY_PREVIOUS, imported once an isolate. */
export async function masterKeyOf(config: Config): Promise<MasterKey> {
  const { masterKey: base64, previousMasterKey: previous } = config;
  if (lastKey?.base64 !== base64 || lastKey.previous !== previous) {
    lastKey = { base64, previous, masterKey: await importMasterKey(base64, previous) };
  }
  return lastKey.masterKey;
}

/**
 * An app with its merchant, at most 60 s old, in one query. A disabled app is found too. Throws
 * when D1 does: an outage must not look like an unknown app. Made-up ids cost two reads a second,
 * however many are tried; an app made within that second is absent to an isolate under such a flood.
 */
export async function appSettings(
  db: Database,
  masterKey: MasterKey,
  appId: number,
  nowAt: number,
): Promise<Result<AppSettings, SettingsFault>> {
  return await appCache.get(`${masterKey.id}.${appId}`, nowAt, async () => {
    const rows = await appCeiling.find(db, appId, nowAt, async () => {
      return await db
        .select({ apps, merchants, verify_keys: verifyKeys, highest: appCeiling.highest })
        .from(apps)
        .innerJoin(merchants, eq(merchants.id, apps.merchantId))
        .leftJoin(verifyKeys, eq(verifyKeys.merchantId, merchants.id))
        .where(eq(apps.id, appId))
        .orderBy(...NEWEST_KEY_FIRST);
    });
    const [row] = rows;
    if (row === undefined) return err("absent");
    const merchant = await merchantOf(row.merchants, keysIn(rows), masterKey);
    return merchant.ok ? await appOf(row.apps, merchant.value, masterKey, nowAt) : merchant;
  });
}

/**
 * A merchant, at most `lifeMs` (60 s) old: for notifications, and orders whose app has moved to
 * another. Throws when D1 does. Made-up ids cost as little as those of apps.
 */
export async function merchantSettings(
  db: Database,
  masterKey: MasterKey,
  merchantId: number,
  nowAt: number,
  lifeMs = MAX_AGE_MS,
): Promise<Result<Merchant, SettingsFault>> {
  const load = async (): Promise<Result<Merchant, SettingsFault>> => {
    const rows = await merchantCeiling.find(db, merchantId, nowAt, async () => {
      return await db
        .select({ merchants, verify_keys: verifyKeys, highest: merchantCeiling.highest })
        .from(merchants)
        .leftJoin(verifyKeys, eq(verifyKeys.merchantId, merchants.id))
        .where(eq(merchants.id, merchantId))
        .orderBy(...NEWEST_KEY_FIRST);
    });
    const [row] = rows;
    return row === undefined
      ? err("absent")
      : await merchantOf(row.merchants, keysIn(rows), masterKey);
  };
  return await merchantCache.get(`${masterKey.id}.${merchantId}`, nowAt, load, lifeMs);
}

/** The salts that an app may sign with now: the current one first, the old one until it expires. */
export function validSalts(app: AppSettings, nowAt: number): string[] {
  const old = app.oldSalt;
  return old !== null && nowAt < old.expiresAt ? [app.salt, old.salt] : [app.salt];
}

/** The secrets that a call to the app is signed with: the current one first, the old one until it expires. */
export function validWebhookSecrets(app: AppSettings, nowAt: number): string[] {
  const old = app.oldWebhookSecret;
  return old !== null && nowAt < old.expiresAt
    ? [app.webhookSecret, old.secret]
    : [app.webhookSecret];
}

/**
 * Clears this isolate's settings: to be called after every change in the back-office. Other
 * isolates, which nothing can reach, see the change when their copy has grown old (60 s at most).
 */
export function forgetSettings(): void {
  appCache.clear();
  merchantCache.clear();
  appCeiling.clear();
  merchantCeiling.clear();
}

const NEWEST_KEY_FIRST = [desc(verifyKeys.createdAt), desc(verifyKeys.id)];

function keysIn(rows: readonly { readonly verify_keys: VerifyKeyRow | null }[]): VerifyKeyRow[] {
  return rows.flatMap((row) => row.verify_keys ?? []);
}

async function merchantOf(
  row: MerchantRow,
  keys: readonly VerifyKeyRow[],
  masterKey: MasterKey,
): Promise<Result<Merchant, SettingsFault>> {
  const v2 = await v2Of(row, masterKey);
  if (!v2.ok) return v2;
  const v3 = await v3Of(row, keys, masterKey);
  if (!v3.ok) return v3;
  const { id, mchId, protocol } = row;
  return ok({ id, mchId, protocol, v2: v2.value, v3: v3.value });
}

async function v2Of(
  { id, signType, apiKeySealed, certBinding }: MerchantRow,
  masterKey: MasterKey,
): Promise<Result<V2Credentials | null, SettingsFault>> {
  if (signType === null || apiKeySealed === null) return ok(null);
  const apiKey = await openFrom(merchants.apiKeySealed, id, apiKeySealed, masterKey);
  return apiKey.ok ? ok({ apiKey: apiKey.value, signType, certBinding }) : apiKey;
}

async function v3Of(
  { id, merchantSerialNo: serialNo, apiV3KeySealed, merchantPrivateKeySealed }: MerchantRow,
  keys: readonly VerifyKeyRow[],
  masterKey: MasterKey,
): Promise<Result<V3Credentials | null, SettingsFault>> {
  if (serialNo === null || apiV3KeySealed === null || merchantPrivateKeySealed === null) {
    return ok(null);
  }
  const apiV3Key = await openFrom(merchants.apiV3KeySealed, id, apiV3KeySealed, masterKey);
  if (!apiV3Key.ok) return apiV3Key;
  const column = merchants.merchantPrivateKeySealed;
  const privateKey = await openFrom(column, id, merchantPrivateKeySealed, masterKey);
  if (!privateKey.ok) return privateKey;
  return ok({
    apiV3Key: apiV3Key.value,
    serialNo,
    privateKeyPem: privateKey.value,
    verifyKeys: keys.map(verifyKeyOf),
  });
}

async function appOf(
  row: AppRow,
  merchant: Merchant,
  masterKey: MasterKey,
  nowAt: number,
): Promise<Result<AppSettings, SettingsFault>> {
  const salt = await openFrom(apps.saltSealed, row.id, row.saltSealed, masterKey);
  if (!salt.ok) return salt;
  const secret = await openFrom(
    apps.webhookSecretSealed,
    row.id,
    row.webhookSecretSealed,
    masterKey,
  );
  if (!secret.ok) return secret;
  const oldSalt = await oldOf(row, "Salt", masterKey, nowAt);
  if (!oldSalt.ok) return oldSalt;
  const oldSecret = await oldOf(row, "WebhookSecret", masterKey, nowAt);
  if (!oldSecret.ok) return oldSecret;
  const { value: fadingSalt } = oldSalt;
  const { value: fadingSecret } = oldSecret;
  return ok({
    id: row.id,
    name: row.name,
    enabled: row.enabled,
    merchantId: row.merchantId,
    wechatAppId: row.wechatAppId,
    payNotifyUrl: row.payNotifyUrl,
    refundNotifyUrl: row.refundNotifyUrl,
    salt: salt.value,
    oldSalt: fadingSalt && { salt: fadingSalt.plain, expiresAt: fadingSalt.expiresAt },
    webhookSecret: secret.value,
    oldWebhookSecret: fadingSecret && {
      secret: fadingSecret.plain,
      expiresAt: fadingSecret.expiresAt,
    },
    merchant,
  });
}

/** A predecessor that is still valid, or null. An expired one stays shut. */
async function oldOf(
  row: AppRow,
  which: "Salt" | "WebhookSecret",
  masterKey: MasterKey,
  nowAt: number,
): Promise<Result<{ plain: string; expiresAt: number } | null, SettingsFault>> {
  const column = `old${which}Sealed` as const;
  const sealed = row[column];
  const expiresAt = row[`old${which}ExpiresAt`];
  if (sealed === null || expiresAt === null || expiresAt <= nowAt) return ok(null);
  const plain = await openFrom(apps[column], row.id, sealed, masterKey);
  return plain.ok ? ok({ plain: plain.value, expiresAt }) : plain;
}
