import { ok } from "../result.ts";
import { conflict, notFound, type ControlResult } from "./control-result.ts";
import type { CertificateStage, KeyChange, KeyMode } from "./key-modes.ts";
import { listMerchantKeys, setMerchantKeys, type MerchantKey } from "./merchant-keys.ts";
import { readStrings } from "./stored-json.ts";

/** A merchant of the sandbox, with its secrets. */
export interface Merchant {
  readonly mchId: string;
  /** 32 characters: APIv2. */
  readonly apiKey: string;
  /** The official accounts bound to the merchant number. */
  readonly appIds: readonly string[];
  /** 32 characters; without it WeChat sends no APIv3 notifications. */
  readonly apiV3Key: string | null;
  /** The keys that may sign its APIv3 calls. */
  readonly keys: readonly MerchantKey[];
  readonly mode: KeyMode;
  readonly certificateStage: CertificateStage;
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

/** Registers a merchant unless it exists. */
export function seedMerchant(sql: SqlStorage, merchant: Merchant): void {
  if (findMerchant(sql, merchant.mchId) === null) write(sql, merchant);
}

/** Finds a merchant; null when none has this number. */
export function findMerchant(sql: SqlStorage, mchId: string): Merchant | null {
  const [row] = sql.exec<Row>("select * from merchants where mch_id = ?", mchId);
  return row === undefined ? null : toMerchant(sql, row);
}

/** All merchants, by number. */
export function listMerchants(sql: SqlStorage): Merchant[] {
  const rows = [...sql.exec<Row>("select * from merchants order by mch_id")];
  return rows.map((row) => toMerchant(sql, row));
}

/**
 * Registers or replaces a merchant. Refuses to drop an appid that has orders, because those orders
 * could be neither queried nor refunded afterwards.
 */
export function putMerchant(
  sql: SqlStorage,
  merchant: Merchant,
): ControlResult<{ created: boolean }> {
  const used = sql.exec<{ app_id: string }>(
    "select distinct app_id from orders where mch_id = ?",
    merchant.mchId,
  );
  for (const { app_id: appId } of used) {
    if (!merchant.appIds.includes(appId)) {
      return conflict(`appIds: ${appId} has orders and can't be dropped`);
    }
  }
  const created = findMerchant(sql, merchant.mchId) === null;
  write(sql, merchant);
  return ok({ created });
}

/** Changes the keys that WeChat signs with for a merchant. */
export function changeKeys(sql: SqlStorage, mchId: string, change: KeyChange): ControlResult<null> {
  const merchant = findMerchant(sql, mchId);
  if (merchant === null) return notFound(`no merchant ${mchId}`);
  const mode = change.mode ?? merchant.mode;
  const certificateStage = change.certificateStage ?? merchant.certificateStage;
  write(sql, { ...merchant, mode, certificateStage });
  return ok(null);
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

function toMerchant(sql: SqlStorage, row: Row): Merchant {
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
