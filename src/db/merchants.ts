import { asc, eq, gt, max } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
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

/** A merchant's row without its secrets: what may be shown. */
export type MerchantRecord = Omit<
  typeof merchants.$inferSelect,
  "apiKeySealed" | "apiV3KeySealed" | "merchantPrivateKeySealed"
> & { readonly verifyKeys: readonly VerifyKeyRecord[] };

/**
 * What a merchant's credentials consist of, in the clear. Those of a protocol are there together or
 * not at all.
 */
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

type Given<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** What a new merchant consists of. */
export interface NewMerchant extends Given<MerchantCredentials> {
  readonly name: string;
  readonly mchId: string;
  readonly protocol: Protocol;
}

/**
 * What may change. WeChat's number can't: existing orders and refunds live under it. `verifyKeys`
 * are added to those that there are, or replace the ones of the same id.
 */
export interface MerchantChanges extends Given<Omit<NewMerchant, "mchId">> {
  readonly droppedVerifyKeys?: readonly string[] | undefined;
}

/** The columns that are shown. A list, so that a new column stays hidden until it is named here. */
const SHOWN = {
  id: merchants.id,
  name: merchants.name,
  mchId: merchants.mchId,
  protocol: merchants.protocol,
  signType: merchants.signType,
  certBinding: merchants.certBinding,
  merchantSerialNo: merchants.merchantSerialNo,
  certificatesCheckedAt: merchants.certificatesCheckedAt,
  createdAt: merchants.createdAt,
  updatedAt: merchants.updatedAt,
};

/** How often an id may be lost to another insert before it looks like a bug. */
const ID_ATTEMPTS = 100;

/** Writes a new merchant, its secrets sealed. On failure: WeChat's number is registered already. */
export async function insertMerchant(
  db: Database,
  masterKey: MasterKey,
  merchant: NewMerchant,
  nowAt: number,
): Promise<Result<MerchantRecord, "mchId taken">> {
  const { verifyKeys = [], ...facts } = merchant;
  // Secrets are sealed for their row, so the row's id comes first. Two inserts may pick the same
  // one: then the second inserts nothing, and picks again.
  for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
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

/** Null when there is none with this id. */
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
    .select(SHOWN)
    .from(merchants)
    .where(gt(merchants.id, afterId))
    .orderBy(asc(merchants.id))
    .limit(limit);
  const keys = await listVerifyKeys(db, afterId, rows.at(-1)?.id ?? afterId);
  return rows.map((row) => Object.assign(row, { verifyKeys: keys.get(row.id) ?? [] }));
}

/** Changes the given fields and returns the merchant as it is now; null when there is none. */
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

/** The given fields as columns, the secrets among them sealed for their row. */
async function columnsOf<T extends Given<MerchantCredentials>>(
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
