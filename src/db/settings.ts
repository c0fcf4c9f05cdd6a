import { eq } from "drizzle-orm";
import type { Config } from "../config.ts";
import { err, ok, type Result } from "../core/result.ts";
import { importMasterKey, type MasterKey } from "../core/secret-box.ts";
import type { Merchant } from "../wechat/wechat-pay.ts";
import type { Database } from "./database.ts";
import { apps, merchants } from "./schema.ts";
import { openFrom } from "./secrets.ts";
import { SettingsCache } from "./settings-cache.ts";

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

const appCache = new SettingsCache<AppSettings, SettingsFault>();
const merchantCache = new SettingsCache<Merchant, SettingsFault>();
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
 * when D1 does: an outage must not look like an unknown app.
 */
export async function appSettings(
  db: Database,
  masterKey: MasterKey,
  appId: number,
  nowAt: number,
): Promise<Result<AppSettings, SettingsFault>> {
  return await appCache.get(`${masterKey.id}.${appId}`, nowAt, async () => {
    const [row] = await db
      .select()
      .from(apps)
      .innerJoin(merchants, eq(merchants.id, apps.merchantId))
      .where(eq(apps.id, appId));
    if (row === undefined) return err("absent");
    const merchant = await merchantOf(row.merchants, masterKey);
    return merchant.ok ? await appOf(row.apps, merchant.value, masterKey, nowAt) : merchant;
  });
}

/** A merchant, at most 60 s old: for orders whose app has moved to another. Throws when D1 does. */
export async function merchantSettings(
  db: Database,
  masterKey: MasterKey,
  merchantId: number,
  nowAt: number,
): Promise<Result<Merchant, SettingsFault>> {
  return await merchantCache.get(`${masterKey.id}.${merchantId}`, nowAt, async () => {
    const [row] = await db.select().from(merchants).where(eq(merchants.id, merchantId));
    return row === undefined ? err("absent") : await merchantOf(row, masterKey);
  });
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
}

async function merchantOf(
  row: MerchantRow,
  masterKey: MasterKey,
): Promise<Result<Merchant, SettingsFault>> {
  const { id, mchId, protocol, signType, certBinding } = row;
  const apiKey = await openFrom(merchants.apiKeySealed, id, row.apiKeySealed, masterKey);
  if (!apiKey.ok) return apiKey;
  return ok({ id, mchId, protocol, apiKey: apiKey.value, signType, certBinding });
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
