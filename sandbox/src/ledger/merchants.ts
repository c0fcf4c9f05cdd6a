import { conflict, granted, missing, type Outcome } from "./books.ts";
import type { CertificateStage, KeyChange, KeyMode } from "./key-modes.ts";
import { listMerchantKeys, setMerchantKeys, type MerchantKey } from "./merchant-keys.ts";
import { readStrings } from "./stored-json.ts";

export interface Merchant {
  mchId: string;
  /** 32 characters: APIv2. */
  apiKey: string;
  /** The official accounts bound to the merchant number. */
  appIds: string[];
  /** 32 characters; without one WeChat sends no APIv3 notifications. */
  apiV3Key: string | null;
  /** Whose signatures count in APIv3: several are valid side by side. */
  keys: MerchantKey[];
  mode: KeyMode;
  certificateStage: CertificateStage;
}

type Row = {
  mch_id: string;
  api_key: string;
  app_ids: string;
  api_v3_key: string | null;
  verify_mode: KeyMode["verifyMode"];
  switch_percent: number;
  certificate_stage: CertificateStage;
};

/** Registers a merchant unless it is known already. */
export function seedMerchant(sql: SqlStorage, merchant: Merchant): void {
  if (findMerchant(sql, merchant.mchId) === undefined) write(sql, merchant);
}

export function findMerchant(sql: SqlStorage, mchId: string): Merchant | undefined {
  const [row] = sql.exec<Row>("select * from merchants where mch_id = ?", mchId);
  return row === undefined ? undefined : merchantOf(sql, row);
}

export function listMerchants(sql: SqlStorage): Merchant[] {
  const rows = [...sql.exec<Row>("select * from merchants order by mch_id")];
  return rows.map((row) => merchantOf(sql, row));
}

/**
 * Registers a merchant or replaces it. An appid that has orders can't be dropped: those orders could
 * be neither queried nor refunded afterwards.
 */
export function putMerchant(sql: SqlStorage, merchant: Merchant): Outcome<{ created: boolean }> {
  const used = sql.exec<{ app_id: string }>(
    "select distinct app_id from orders where mch_id = ?",
    merchant.mchId,
  );
  for (const { app_id: appId } of used) {
    if (!merchant.appIds.includes(appId)) {
      return conflict(`appIds: ${appId} has orders and can't be dropped`);
    }
  }
  const created = findMerchant(sql, merchant.mchId) === undefined;
  write(sql, merchant);
  return granted({ created });
}

/** Changes by which keys WeChat signs for a merchant. */
export function changeKeys(sql: SqlStorage, mchId: string, change: KeyChange): Outcome<null> {
  const merchant = findMerchant(sql, mchId);
  if (merchant === undefined) return missing(`no merchant ${mchId}`);
  const { mode = merchant.mode, certificateStage = merchant.certificateStage } = change;
  write(sql, { ...merchant, mode, certificateStage });
  return granted(null);
}

function write(sql: SqlStorage, merchant: Merchant): void {
  const { mchId, apiKey, appIds, apiV3Key, keys, mode, certificateStage } = merchant;
  sql.exec(
    `insert or replace into merchants
       (mch_id, api_key, app_ids, api_v3_key, verify_mode, switch_percent, certificate_stage)
     values (?, ?, ?, ?, ?, ?, ?)`,
    mchId,
    apiKey,
    JSON.stringify(appIds),
    apiV3Key,
    mode.verifyMode,
    mode.verifyMode === "switching" ? mode.switchPercent : 0,
    certificateStage,
  );
  setMerchantKeys(sql, mchId, keys);
}

function merchantOf(sql: SqlStorage, row: Row): Merchant {
  return {
    mchId: row.mch_id,
    apiKey: row.api_key,
    appIds: readStrings(row.app_ids),
    apiV3Key: row.api_v3_key,
    keys: listMerchantKeys(sql, row.mch_id),
    mode:
      row.verify_mode === "switching"
        ? { verifyMode: row.verify_mode, switchPercent: row.switch_percent }
        : { verifyMode: row.verify_mode },
    certificateStage: row.certificate_stage,
  };
}
