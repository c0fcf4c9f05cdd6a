import { and, asc, eq, exists, gt, max, sql } from "drizzle-orm";
import type { RequestSignatureMode } from "../contract/request-signature/policy.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import type { Database } from "./database.ts";
import { apps, requestKeys } from "./schema.ts";
import { sealFor } from "./secrets.ts";

/** What an app's settings restrict. By default nothing. */
export interface AppRestrictions {
  readonly requireAppOrderNo: boolean;
  readonly requireAppRefundNo: boolean;
  /** Addresses and CIDR ranges (domain/address-range.ts); null: any address. */
  readonly allowedAddresses: readonly string[] | null;
  readonly canRefund: boolean;
  /** Null: no limit. */
  readonly maxRefundFenPerDay: number | null;
}

type Changed<Fields> = { readonly [Name in keyof Fields]?: Fields[Name] | undefined };

/** An app's row without its secrets: the part that may be shown. */
export interface AppRecord extends AppRestrictions {
  readonly id: number;
  readonly name: string;
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly payNotifyUrl: string;
  readonly refundNotifyUrl: string;
  readonly enabled: boolean;
  /** When the salt before the last rotation expires; null when it isn't valid. */
  readonly oldSaltExpiresAt: number | null;
  /** When the salt that is to be activated next was staged; null when none is. */
  readonly saltStagedAt: number | null;
  readonly oldWebhookSecretExpiresAt: number | null;
  readonly requestSignature: RequestSignatureMode;
  /** Whether the app is called about orders that end unpaid. */
  readonly notifyFailed: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The fields of a new app; its secrets in the clear. */
export interface NewApp extends Changed<AppRestrictions & Pick<AppRecord, "notifyFailed">> {
  readonly name: string;
  /** Must exist. */
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly payNotifyUrl: string;
  readonly refundNotifyUrl: string;
  readonly salt: string;
  readonly webhookSecret: string;
}

/** The changeable fields; secrets change in apps-rotation.ts. Existing orders keep their merchant. */
export type AppChanges = Changed<
  Omit<NewApp, "salt" | "webhookSecret"> & {
    readonly enabled: boolean;
    readonly requestSignature: RequestSignatureMode;
  }
>;

/** The columns of an `AppRecord`. A list, so that a new column stays hidden until it is named here. */
export const APP_COLUMNS = {
  id: apps.id,
  name: apps.name,
  merchantId: apps.merchantId,
  wechatAppId: apps.wechatAppId,
  payNotifyUrl: apps.payNotifyUrl,
  refundNotifyUrl: apps.refundNotifyUrl,
  enabled: apps.enabled,
  oldSaltExpiresAt: apps.oldSaltExpiresAt,
  saltStagedAt: apps.saltStagedAt,
  oldWebhookSecretExpiresAt: apps.oldWebhookSecretExpiresAt,
  requestSignature: apps.requestSignature,
  requireAppOrderNo: apps.requireAppOrderNo,
  requireAppRefundNo: apps.requireAppRefundNo,
  allowedAddresses: apps.allowedAddresses,
  canRefund: apps.canRefund,
  maxRefundFenPerDay: apps.maxRefundFenPerDay,
  notifyFailed: apps.notifyFailed,
  createdAt: apps.createdAt,
  updatedAt: apps.updatedAt,
};

/** Concurrent inserts may take an id this often before it counts as a bug. */
const MAX_ID_ATTEMPTS = 100;

/** Writes a new app, enabled, its secrets sealed. Throws when the merchant doesn't exist. */
export async function insertApp(
  db: Database,
  masterKey: MasterKey,
  { salt, webhookSecret, ...facts }: NewApp,
  nowAt: number,
): Promise<AppRecord> {
  // The secrets are sealed for their row, so the id must be known first. Two inserts may pick the
  // same id: then the second inserts nothing and picks another.
  for (let attempt = 0; attempt < MAX_ID_ATTEMPTS; attempt++) {
    const [last] = await db.select({ id: max(apps.id) }).from(apps);
    const id = (last?.id ?? 0) + 1;
    const [record] = await db
      .insert(apps)
      .values({
        id,
        ...facts,
        enabled: true,
        saltSealed: await sealFor(apps.saltSealed, id, salt, masterKey),
        webhookSecretSealed: await sealFor(apps.webhookSecretSealed, id, webhookSecret, masterKey),
        createdAt: nowAt,
        updatedAt: nowAt,
      })
      .onConflictDoNothing({ target: apps.id })
      .returning(APP_COLUMNS);
    if (record !== undefined) return record;
  }
  throw new Error("no free id for an app");
}

/** A merchant and the WeChat app id of one of its apps. */
export type MerchantAppId = Pick<AppRecord, "merchantId" | "wechatAppId">;

/** At most `limit` pairs of a merchant and an app id, each once, optionally of one merchant or app. */
export async function listMerchantAppIds(
  db: Database,
  of: { readonly merchantId?: number | undefined; readonly appId?: number | undefined },
  limit: number,
): Promise<MerchantAppId[]> {
  return await db
    .selectDistinct({ merchantId: apps.merchantId, wechatAppId: apps.wechatAppId })
    .from(apps)
    .where(
      and(
        of.merchantId === undefined ? undefined : eq(apps.merchantId, of.merchantId),
        of.appId === undefined ? undefined : eq(apps.id, of.appId),
      ),
    )
    .orderBy(asc(apps.merchantId), asc(apps.wechatAppId))
    .limit(limit);
}

/** Null when no app has this id. */
export async function getApp(db: Database, id: number): Promise<AppRecord | null> {
  const [record] = await db.select(APP_COLUMNS).from(apps).where(eq(apps.id, id));
  return record ?? null;
}

/** At most `limit` apps with an id above `afterId`, by id. */
export async function listApps(db: Database, afterId: number, limit: number): Promise<AppRecord[]> {
  return await db
    .select(APP_COLUMNS)
    .from(apps)
    .where(gt(apps.id, afterId))
    .orderBy(asc(apps.id))
    .limit(limit);
}

/**
 * Changes the fields in `changes`. Returns the changed app; null when no app has this id, or when the
 * app has no key for the signatures that the changes require.
 */
export async function updateApp(
  db: Database,
  id: number,
  changes: AppChanges,
  nowAt: number,
): Promise<AppRecord | null> {
  // Within the update: a key that is deleted meanwhile must not be the last one.
  const keys = db
    .select({ one: sql`1` })
    .from(requestKeys)
    .where(eq(requestKeys.appId, id));
  const [record] = await db
    .update(apps)
    .set({ ...changes, updatedAt: nowAt })
    .where(and(eq(apps.id, id), requiresKey(changes) ? exists(keys) : undefined))
    .returning(APP_COLUMNS);
  return record ?? null;
}

function requiresKey({ requestSignature }: AppChanges): boolean {
  return requestSignature !== undefined && requestSignature !== "off";
}
