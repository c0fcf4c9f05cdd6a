import { asc, eq, gt, max } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import type { RefundFunds } from "../domain/states.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import type { Protocol, V2SignType, VerifyKey } from "../wechat/types.ts";
import type { Database } from "./database.ts";
import { merchants } from "./schema.ts";
import { sealFor } from "./secrets.ts";
import {
  dropVerifyKey,
  listVerifyKeys,
  putVerifyKey,
  type VerifyKeyRecord,
} from "./verify-keys.ts";

/** A merchant's row without its secrets: the part that may be shown. */
export type MerchantRecord = Omit<
  typeof merchants.$inferSelect,
  "apiKeySealed" | "apiV3KeySealed" | "merchantPrivateKeySealed"
> & { readonly verifyKeys: readonly VerifyKeyRecord[] };

/** A merchant's credentials in the clear. Those of one protocol are stored together or not at all. */
export interface MerchantCredentials {
  readonly apiKey: string;
  readonly signType: V2SignType;
  readonly certBinding: string | null;
  readonly apiV3Key: string;
  readonly merchantSerialNo: string;
  /** PKCS#8. */
  readonly merchantPrivateKey: string;
  readonly verifyKeys: readonly VerifyKey[];
}

type Optional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** The fields of a new merchant. */
export interface NewMerchant extends Optional<MerchantCredentials> {
  readonly name: string;
  readonly mchId: string;
  readonly protocol: Protocol;
  readonly refundFunds?: RefundFunds | undefined;
}

/**
 * The changeable fields. WeChat's number isn't one: existing orders and refunds belong to it.
 * `verifyKeys` are added to the stored ones, or replace those with the same id.
 */
export interface MerchantChanges extends Optional<Omit<NewMerchant, "mchId">> {
  readonly droppedVerifyKeys?: readonly string[] | undefined;
}

/** The columns that are shown. A list, so that a new column stays hidden until it is named here. */
const MERCHANT_COLUMNS = {
  id: merchants.id,
  name: merchants.name,
  mchId: merchants.mchId,
  protocol: merchants.protocol,
  signType: merchants.signType,
  certBinding: merchants.certBinding,
  refundFunds: merchants.refundFunds,
  merchantSerialNo: merchants.merchantSerialNo,
  certificatesCheckedAt: merchants.certificatesCheckedAt,
  createdAt: merchants.createdAt,
  updatedAt: merchants.updatedAt,
};

/** Concurrent inserts may take an id this often before it counts as a bug. */
const MAX_ID_ATTEMPTS = 100;

/** Writes a new merchant, its secrets sealed. On failure: WeChat's number is registered already. */
export async function insertMerchant(
  db: Database,
  masterKey: MasterKey,
  merchant: NewMerchant,
  nowAt: number,
): Promise<Result<MerchantRecord, "mchId taken">> {
  const { verifyKeys = [], ...facts } = merchant;
  // The secrets are sealed for their row, so the id must be known first. Two inserts may pick the
  // same id: then the second inserts nothing and picks another.
  for (let attempt = 0; attempt < MAX_ID_ATTEMPTS; attempt++) {
    const [last] = await db.select({ id: max(merchants.id) }).from(merchants);
    const id = (last?.id ?? 0) + 1;
    const columns = await columnsOf(id, facts, masterKey);
    const [inserted] = await db.batch([
      db
        .insert(merchants)
        .values({ ...columns, id, createdAt: nowAt, updatedAt: nowAt })
        .onConflictDoNothing()
        .returning({ id: merchants.id }),
      ...verifyKeys.map((key) => putVerifyKey(db, { id, mchId: facts.mchId }, key, nowAt)),
    ]);
    if (inserted.length > 0) return ok(await existing(db, id));
    if (await isRegistered(db, merchant.mchId)) return err("mchId taken");
  }
  throw new Error("no free id for a merchant");
}

/** Null when no merchant has this id. */
export async function getMerchant(db: Database, id: number): Promise<MerchantRecord | null> {
  const [record] = await listMerchants(db, id - 1, 1);
  return record?.id === id ? record : null;
}

/** At most `limit` merchants with an id above `afterId`, by id. */
export async function listMerchants(
  db: Database,
  afterId: number,
  limit: number,
): Promise<MerchantRecord[]> {
  const rows = await db
    .select(MERCHANT_COLUMNS)
    .from(merchants)
    .where(gt(merchants.id, afterId))
    .orderBy(asc(merchants.id))
    .limit(limit);
  const keys = await listVerifyKeys(db, afterId, rows.at(-1)?.id ?? afterId);
  return rows.map((row) => Object.assign(row, { verifyKeys: keys.get(row.id) ?? [] }));
}

/** Changes the fields in `changes`. Returns the changed merchant; null when none has this id. */
export async function updateMerchant(
  db: Database,
  masterKey: MasterKey,
  id: number,
  { verifyKeys = [], droppedVerifyKeys = [], ...changes }: MerchantChanges,
  nowAt: number,
): Promise<MerchantRecord | null> {
  const merchant = await getMerchant(db, id);
  if (merchant === null) return null;
  const columns = await columnsOf(id, changes, masterKey);
  await db.batch([
    db
      .update(merchants)
      .set({ ...columns, updatedAt: nowAt })
      .where(eq(merchants.id, id)),
    ...verifyKeys.map((key) => putVerifyKey(db, merchant, key, nowAt)),
    ...droppedVerifyKeys.map((keyId) => dropVerifyKey(db, id, keyId)),
  ]);
  return await existing(db, id);
}

/** A merchant just written; merchants are never deleted. */
async function existing(db: Database, id: number): Promise<MerchantRecord> {
  const record = await getMerchant(db, id);
  if (record === null) throw new Error("a merchant just written is not there");
  return record;
}

/** The fields as columns, with the secrets among them sealed for their row. */
async function columnsOf<T extends Optional<MerchantCredentials>>(
  id: number,
  { apiKey, apiV3Key, merchantPrivateKey, ...plain }: T,
  masterKey: MasterKey,
) {
  const seal = async (column: Parameters<typeof sealFor>[0], secret: string) =>
    await sealFor(column, id, secret, masterKey);
  return {
    ...plain,
    ...(apiKey !== undefined && { apiKeySealed: await seal(merchants.apiKeySealed, apiKey) }),
    ...(apiV3Key !== undefined && {
      apiV3KeySealed: await seal(merchants.apiV3KeySealed, apiV3Key),
    }),
    ...(merchantPrivateKey !== undefined && {
      merchantPrivateKeySealed: await seal(merchants.merchantPrivateKeySealed, merchantPrivateKey),
    }),
  };
}

async function isRegistered(db: Database, mchId: string): Promise<boolean> {
  const rows = await db
    .select({ id: merchants.id })
    .from(merchants)
    .where(eq(merchants.mchId, mchId));
  return rows.length > 0;
}
