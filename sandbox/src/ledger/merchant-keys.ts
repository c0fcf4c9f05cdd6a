import { conflict, granted, missing, type Outcome } from "./books.ts";

/** A merchant's API certificate, or what matters of it. */
export interface MerchantKey {
  /** Upper-case hex, as in `serial_no` of the Authorization header. */
  serialNo: string;
  /** PEM (SPKI). */
  publicKey: string;
}

/** WeChat docs: a merchant has at most three API certificates at once. */
export const MOST_KEYS = 3;

type Row = { serial_no: string; public_key: string };

/** A merchant's keys, the oldest first. */
export function listMerchantKeys(sql: SqlStorage, mchId: string): MerchantKey[] {
  const rows = sql.exec<Row>("select * from merchant_keys where mch_id = ? order by rowid", mchId);
  return Array.from(rows, (row) => ({ serialNo: row.serial_no, publicKey: row.public_key }));
}

/** Gives a merchant these keys and no others. */
export function setMerchantKeys(sql: SqlStorage, mchId: string, keys: MerchantKey[]): void {
  sql.exec("delete from merchant_keys where mch_id = ?", mchId);
  for (const key of keys) insert(sql, mchId, key);
}

/** Gives a merchant one more key, valid beside the others. */
export function addMerchantKey(sql: SqlStorage, mchId: string, key: MerchantKey): Outcome<null> {
  const [merchant] = sql.exec("select 1 from merchants where mch_id = ?", mchId);
  if (merchant === undefined) return missing(`no merchant ${mchId}`);
  const known = listMerchantKeys(sql, mchId);
  if (known.some(({ serialNo }) => serialNo === key.serialNo)) {
    return conflict(`the merchant has the serial ${key.serialNo} already`);
  }
  if (known.length >= MOST_KEYS) return conflict(`a merchant has at most ${MOST_KEYS} keys`);
  insert(sql, mchId, key);
  return granted(null);
}

/** Takes a key away: what it signs is refused from now on. */
export function dropMerchantKey(sql: SqlStorage, mchId: string, serialNo: string): Outcome<null> {
  const dropped = sql.exec(
    "delete from merchant_keys where mch_id = ? and serial_no = ? returning serial_no",
    mchId,
    serialNo,
  );
  return [...dropped].length === 0
    ? missing(`no key ${serialNo} of a merchant ${mchId}`)
    : granted(null);
}

function insert(sql: SqlStorage, mchId: string, { serialNo, publicKey }: MerchantKey): void {
  sql.exec(
    "insert into merchant_keys (mch_id, serial_no, public_key) values (?, ?, ?)",
    mchId,
    serialNo,
    publicKey,
  );
}
