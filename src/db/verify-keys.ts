import { and, asc, eq, gt, isNotNull, isNull, lt, lte, notExists, or, sql } from "drizzle-orm";
import type { VerifyKey } from "../wechat/types.ts";
import type { Database } from "./database.ts";
import { merchants, verifyKeys } from "./schema.ts";

export type VerifyKeyRow = typeof verifyKeys.$inferSelect;

/** The part of a stored key that verifies. */
export function verifyKeyOf(row: VerifyKeyRow): VerifyKey {
  const { keyId: id, kind, publicKeyPem, notBefore, notAfter } = row;
  return { id, kind, publicKeyPem, notBefore, notAfter };
}

/** A verifying key as shown to the operator. */
export interface VerifyKeyRecord extends Omit<VerifyKey, "publicKeyPem"> {
  readonly createdAt: number;
}

/** The keys of merchants with an id above `afterId` and up to `lastId`, by merchant, oldest first. */
export async function listVerifyKeys(
  db: Database,
  afterId: number,
  lastId: number,
): Promise<ReadonlyMap<number, readonly VerifyKeyRecord[]>> {
  const rows = await db
    .select()
    .from(verifyKeys)
    .where(and(gt(verifyKeys.merchantId, afterId), lte(verifyKeys.merchantId, lastId)))
    .orderBy(asc(verifyKeys.id));
  const keys = new Map<number, VerifyKeyRecord[]>();
  for (const row of rows) {
    const { publicKeyPem: _, ...shown } = verifyKeyOf(row);
    const record = { ...shown, createdAt: row.createdAt };
    keys.set(row.merchantId, [...(keys.get(row.merchantId) ?? []), record]);
  }
  return keys;
}

/**
 * Stores a merchant's key, replacing one with the same id. Does nothing unless the merchant has this
 * id *and* this number: a concurrent insert may have taken a new merchant's id.
 */
export function putVerifyKey(
  db: Database,
  merchant: { readonly id: number; readonly mchId: string },
  key: VerifyKey,
  nowAt: number,
) {
  return db
    .insert(verifyKeys)
    .select(
      sql`select null, m.id, ${key.id}, ${key.kind}, ${key.publicKeyPem}, ${key.notBefore},
        ${key.notAfter}, ${nowAt} from merchants m
        where m.id = ${merchant.id} and m.mch_id = ${merchant.mchId}`,
    )
    .onConflictDoUpdate({
      target: [verifyKeys.merchantId, verifyKeys.keyId],
      set: {
        kind: key.kind,
        publicKeyPem: key.publicKeyPem,
        notBefore: key.notBefore,
        notAfter: key.notAfter,
      },
    });
}

/** Deletes a merchant's key. */
export function dropVerifyKey(db: Database, merchantId: number, keyId: string) {
  return db
    .delete(verifyKeys)
    .where(and(eq(verifyKeys.merchantId, merchantId), eq(verifyKeys.keyId, keyId)));
}

/** Stores fetched platform certificates and deletes expired ones: one trip. */
export async function storeCertificates(
  db: Database,
  merchant: { readonly id: number; readonly mchId: string },
  certificates: readonly VerifyKey[],
  nowAt: number,
): Promise<void> {
  const expired = and(eq(verifyKeys.merchantId, merchant.id), lt(verifyKeys.notAfter, nowAt));
  await db.batch([
    db.delete(verifyKeys).where(expired),
    ...certificates.map((key) => putVerifyKey(db, merchant, key, nowAt)),
  ]);
}

/** Records that a merchant's certificates are being fetched, whatever the outcome. */
export async function noteCertificateCheck(
  db: Database,
  merchantId: number,
  nowAt: number,
): Promise<void> {
  await db
    .update(merchants)
    .set({ certificatesCheckedAt: nowAt })
    .where(eq(merchants.id, merchantId));
}

/**
 * APIv3 merchants whose certificates were last fetched before `before`, without those known to have
 * only a public key.
 */
export async function merchantsToCheck(
  db: Database,
  before: number,
  limit: number,
): Promise<number[]> {
  const keys = db.select({ one: sql`1` }).from(verifyKeys);
  const ofMerchant = eq(verifyKeys.merchantId, merchants.id);
  const rows = await db
    .select({ id: merchants.id })
    .from(merchants)
    .where(
      and(
        isNotNull(merchants.merchantSerialNo),
        checkedBefore(before),
        or(
          notExists(keys.where(ofMerchant)),
          sql`exists (select 1 from verify_keys k where k.merchant_id = ${merchants.id} and k.kind = 'certificate')`,
        ),
      ),
    )
    .orderBy(asc(merchants.certificatesCheckedAt), asc(merchants.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

function checkedBefore(before: number) {
  return or(isNull(merchants.certificatesCheckedAt), lt(merchants.certificatesCheckedAt, before));
}
