import { ok } from "../result.ts";
import { conflict, notFound, type ControlResult } from "./control-result.ts";

/** The key of a merchant's API certificate. */
export interface MerchantKey {
  /** Upper-case hex, as in `serial_no` of the Authorization header. */
  readonly serialNo: string;
  /** PEM (SPKI). */
  readonly publicKey: string;
}

/** A merchant has at most three API certificates at once (W-79). */
const MAX_KEYS = 3;

type Row = { serial_no: string; public_key: string };

/** A merchant's keys, oldest first. */
export function listMerchantKeys(sql: SqlStorage, mchId: string): MerchantKey[] {
  const rows = sql.exec<Row>("select * from merchant_keys where mch_id = ? order by rowid", mchId);
  return Array.from(rows, (row) => ({ serialNo: row.serial_no, publicKey: row.public_key }));
}

/** Replaces a merchant's keys. */
export function setMerchantKeys(
  sql: SqlStorage,
  mchId: string,
  keys: readonly MerchantKey[],
): void {
  sql.exec("delete from merchant_keys where mch_id = ?", mchId);
  for (const key of keys) insert(sql, mchId, key);
}

/** Adds a key to a merchant's; the others stay valid. Refuses a known serial and a fourth key. */
export function addMerchantKey(
  sql: SqlStorage,
  mchId: string,
  key: MerchantKey,
): ControlResult<null> {
  const [merchant] = sql.exec("select 1 from merchants where mch_id = ?", mchId);
  if (merchant === undefined) return notFound(`no merchant ${mchId}`);
  const known = listMerchantKeys(sql, mchId);
  if (known.some(({ serialNo }) => serialNo === key.serialNo)) {
    return conflict(`the merchant has the serial ${key.serialNo} already`);
  }
  if (known.length >= MAX_KEYS) return conflict(`a merchant has at most ${MAX_KEYS} keys`);
  insert(sql, mchId, key);
  return ok(null);
}

/** Removes a key: calls that it signs are refused from now on. */
export function dropMerchantKey(
  sql: SqlStorage,
  mchId: string,
  serialNo: string,
): ControlResult<null> {
  const dropped = sql.exec(
    "delete from merchant_keys where mch_id = ? and serial_no = ? returning serial_no",
    mchId,
    serialNo,
  );
  return [...dropped].length === 0
    ? notFound(`no key ${serialNo} of a merchant ${mchId}`)
    : ok(null);
}

function insert(sql: SqlStorage, mchId: string, { serialNo, publicKey }: MerchantKey): void {
  sql.exec(
    "insert into merchant_keys (mch_id, serial_no, public_key) values (?, ?, ?)",
    mchId,
    serialNo,
    publicKey,
  );
}
