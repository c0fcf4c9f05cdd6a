import { asc, eq, gt, max } from "drizzle-orm";
import { err, ok, type Result } from "../core/result.ts";
import type { MasterKey } from "../core/secret-box.ts";
import type { SignType } from "../wechat/wechat-pay.ts";
import type { Database } from "./database.ts";
import { merchants } from "./schema.ts";
import { sealFor } from "./secrets.ts";

/** A merchant's row without its secrets: what may be shown. */
export type MerchantRecord = Omit<typeof merchants.$inferSelect, "apiKeySealed">;

/** What a new merchant consists of; `apiKey` in the clear. */
export interface NewMerchant {
  readonly name: string;
  readonly mchId: string;
  readonly protocol: "v2";
  readonly signType: SignType;
  readonly apiKey: string;
  readonly certBinding: string | null;
}

/** What may change. WeChat's number can't: existing orders and refunds live under it. */
export type MerchantChanges = {
  readonly [Name in "name" | "signType" | "apiKey" | "certBinding"]?: NewMerchant[Name] | undefined;
};

/** The columns of a `MerchantRecord`. A list, so that a new column stays hidden until it is named here. */
const SHOWN = {
  id: merchants.id,
  name: merchants.name,
  mchId: merchants.mchId,
  protocol: merchants.protocol,
  signType: merchants.signType,
  certBinding: merchants.certBinding,
  createdAt: merchants.createdAt,
  updatedAt: merchants.updatedAt,
};

/** How often an id may be lost to another insert before it looks like a bug. */
const ID_ATTEMPTS = 100;

/** Writes a new merchant, its key sealed. On failure: WeChat's number is registered already. */
export async function insertMerchant(
  db: Database,
  masterKey: MasterKey,
  merchant: NewMerchant,
  nowAt: number,
): Promise<Result<MerchantRecord, "mchId taken">> {
  const { apiKey, ...facts } = merchant;
  // The key is sealed for its row, so the row's id comes first. Two inserts may pick the same one:
  // then the second inserts nothing, and picks again.
  for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
    const [last] = await db.select({ id: max(merchants.id) }).from(merchants);
    const id = (last?.id ?? 0) + 1;
    const apiKeySealed = await sealFor(merchants.apiKeySealed, id, apiKey, masterKey);
    const [record] = await db
      .insert(merchants)
      .values({ id, ...facts, apiKeySealed, createdAt: nowAt, updatedAt: nowAt })
      .onConflictDoNothing()
      .returning(SHOWN);
    if (record !== undefined) return ok(record);
    if (await isRegistered(db, merchant.mchId)) return err("mchId taken");
  }
  throw new Error("no free id for a merchant");
}

/** Null when there is none with this id. */
export async function getMerchant(db: Database, id: number): Promise<MerchantRecord | null> {
  const [record] = await db.select(SHOWN).from(merchants).where(eq(merchants.id, id));
  return record ?? null;
}

/** At most `limit` merchants with an id above `afterId`, by id. */
export async function listMerchants(
  db: Database,
  afterId: number,
  limit: number,
): Promise<MerchantRecord[]> {
  return await db
    .select(SHOWN)
    .from(merchants)
    .where(gt(merchants.id, afterId))
    .orderBy(asc(merchants.id))
    .limit(limit);
}

/** Changes the given fields and returns the merchant as it is now; null when there is none. */
export async function updateMerchant(
  db: Database,
  masterKey: MasterKey,
  id: number,
  { apiKey, ...changes }: MerchantChanges,
  nowAt: number,
): Promise<MerchantRecord | null> {
  const sealed =
    apiKey === undefined
      ? {}
      : { apiKeySealed: await sealFor(merchants.apiKeySealed, id, apiKey, masterKey) };
  const [record] = await db
    .update(merchants)
    .set({ ...changes, ...sealed, updatedAt: nowAt })
    .where(eq(merchants.id, id))
    .returning(SHOWN);
  return record ?? null;
}

async function isRegistered(db: Database, mchId: string): Promise<boolean> {
  const rows = await db
    .select({ id: merchants.id })
    .from(merchants)
    .where(eq(merchants.mchId, mchId));
  return rows.length > 0;
}
