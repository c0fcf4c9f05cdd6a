import { conflict, granted, type Outcome } from "./books.ts";
import { readStrings } from "./stored-json.ts";

export interface Merchant {
  mchId: string;
  /** 32 characters. */
  apiKey: string;
  /** The official accounts bound to the merchant number. */
  appIds: string[];
}

const DEMO_MERCHANT = "1900000109";
const DEMO_APPS = ["wxde05c4b716e52bf2", "wx3f7a9c1e5b8d2046"];

type Row = { mch_id: string; api_key: string; app_ids: string };

/** Registers the demo merchant unless it is known already. */
export function seedDemoMerchant(sql: SqlStorage, apiKey: string): void {
  if (findMerchant(sql, DEMO_MERCHANT) !== undefined) return;
  write(sql, { mchId: DEMO_MERCHANT, apiKey, appIds: DEMO_APPS });
}

export function findMerchant(sql: SqlStorage, mchId: string): Merchant | undefined {
  const [row] = sql.exec<Row>("select * from merchants where mch_id = ?", mchId);
  return row === undefined ? undefined : merchantOf(row);
}

export function listMerchants(sql: SqlStorage): Merchant[] {
  return [...sql.exec<Row>("select * from merchants order by mch_id")].map(merchantOf);
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

function write(sql: SqlStorage, { mchId, apiKey, appIds }: Merchant): void {
  sql.exec(
    "insert or replace into merchants (mch_id, api_key, app_ids) values (?, ?, ?)",
    mchId,
    apiKey,
    JSON.stringify(appIds),
  );
}

function merchantOf(row: Row): Merchant {
  return { mchId: row.mch_id, apiKey: row.api_key, appIds: readStrings(row.app_ids) };
}
