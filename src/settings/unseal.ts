import type { RequestSignatureMode } from "../contract/request-signature/policy.ts";
import type { RequestKey } from "../contract/request-signature/request-key.ts";
import type { AppRestrictions } from "../db/apps.ts";
import { parseAddressRange, type AddressRange } from "../domain/address-range.ts";
import { ok, type Result } from "../lib/result.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import type { RequestKeyRow } from "../db/request-keys.ts";
import { apps, merchants, requestKeys } from "../db/schema.ts";
import { openFrom } from "../db/secrets.ts";
import { verifyKeyOf, type VerifyKeyRow } from "../db/verify-keys.ts";
import type { Merchant, V2Credentials, V3Credentials } from "../wechat/types.ts";

/** An app's settings in the clear. Kept in memory only; never logged, never in a response. */
export interface AppSettings extends Omit<AppRestrictions, "allowedAddresses"> {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly merchantId: number;
  readonly wechatAppId: string;
  readonly payNotifyUrl: string;
  readonly refundNotifyUrl: string;
  readonly salt: string;
  /** Accepted beside `salt`, which signs callbacks until this one is activated; use `validSalts`. */
  readonly stagedSalt: string | null;
  /** The salt before the last rotation; use `validSalts`. */
  readonly oldSalt: { readonly salt: string; readonly expiresAt: number } | null;
  /** `whsec_` and base64. */
  readonly webhookSecret: string;
  readonly oldWebhookSecret: { readonly secret: string; readonly expiresAt: number } | null;
  /** Which of its requests must be signed by RFC 9421. */
  readonly requestSignature: RequestSignatureMode;
  /** The keys that they may be signed with. Empty while `requestSignature` is `off`: none is opened. */
  readonly requestKeys: readonly RequestKey[];
  /** Where its requests may come from; null: anywhere. */
  readonly allowedAddresses: readonly AddressRange[] | null;
  /** For new orders; an existing order keeps its own. */
  readonly merchant: Merchant;
}

/** `absent`: no such row. `unreadable`: its secrets don't decrypt under MASTER_KEY (the log says why). */
export type SettingsFault = "absent" | "unreadable";

type AppRow = typeof apps.$inferSelect;
type MerchantRow = typeof merchants.$inferSelect;

/** A merchant with its credentials in the clear; `unreadable` when one of them doesn't decrypt. */
export async function openMerchant(
  row: MerchantRow,
  keys: readonly VerifyKeyRow[],
  masterKey: MasterKey,
): Promise<Result<Merchant, SettingsFault>> {
  const v2 = await v2Of(row, masterKey);
  if (!v2.ok) return v2;
  const v3 = await v3Of(row, keys, masterKey);
  if (!v3.ok) return v3;
  const { id, mchId, protocol, refundFunds } = row;
  return ok({ id, mchId, protocol, v2: v2.value, v3: v3.value, refundFunds });
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

/** An app with its secrets in the clear; `unreadable` when one of them doesn't decrypt. */
export async function openApp(
  row: AppRow,
  keyRows: readonly RequestKeyRow[],
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
  const stagedSalt = await stagedSaltOf(row, masterKey);
  if (!stagedSalt.ok) return stagedSalt;
  const oldSecret = await oldOf(row, "WebhookSecret", masterKey, nowAt);
  if (!oldSecret.ok) return oldSecret;
  const keys = await requestKeysOf(row, keyRows, masterKey);
  if (!keys.ok) return keys;
  const { value: previousSalt } = oldSalt;
  const { value: previousSecret } = oldSecret;
  return ok({
    id: row.id,
    name: row.name,
    enabled: row.enabled,
    merchantId: row.merchantId,
    wechatAppId: row.wechatAppId,
    payNotifyUrl: row.payNotifyUrl,
    refundNotifyUrl: row.refundNotifyUrl,
    salt: salt.value,
    stagedSalt: stagedSalt.value,
    oldSalt: previousSalt && { salt: previousSalt.plain, expiresAt: previousSalt.expiresAt },
    webhookSecret: secret.value,
    oldWebhookSecret: previousSecret && {
      secret: previousSecret.plain,
      expiresAt: previousSecret.expiresAt,
    },
    requestSignature: row.requestSignature,
    requestKeys: keys.value,
    requireAppOrderNo: row.requireAppOrderNo,
    requireAppRefundNo: row.requireAppRefundNo,
    allowedAddresses: row.allowedAddresses?.map(rangeOf) ?? null,
    canRefund: row.canRefund,
    maxRefundFenPerDay: row.maxRefundFenPerDay,
    merchant,
  });
}

/** Stored entries were parsed when they were entered: one that can't be parsed now is a bug. */
function rangeOf(text: string): AddressRange {
  const range = parseAddressRange(text);
  if (!range.ok) throw new Error(`a stored address ${range.error}`);
  return range.value;
}

async function requestKeysOf(
  { requestSignature }: AppRow,
  rows: readonly RequestKeyRow[],
  masterKey: MasterKey,
): Promise<Result<readonly RequestKey[], SettingsFault>> {
  const keys: RequestKey[] = [];
  if (requestSignature === "off") return ok(keys);
  for (const { id, keyId, algorithm, publicKeyPem, secretSealed } of rows) {
    if (publicKeyPem !== null) keys.push({ keyId, algorithm, material: publicKeyPem });
    if (secretSealed === null) continue;
    const secret = await openFrom(requestKeys.secretSealed, id, secretSealed, masterKey);
    if (!secret.ok) return secret;
    keys.push({ keyId, algorithm, material: secret.value });
  }
  return ok(keys);
}

async function stagedSaltOf(
  { id, stagedSaltSealed: sealed }: AppRow,
  masterKey: MasterKey,
): Promise<Result<string | null, SettingsFault>> {
  return sealed === null ? ok(null) : await openFrom(apps.stagedSaltSealed, id, sealed, masterKey);
}

/** The old secret while it is valid, else null. An expired one isn't decrypted. */
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
