import { getTableName } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { ok, err, type Result } from "../lib/result.ts";
import { IV_BYTES, open, seal, type MasterKey, type Place } from "../lib/secret-box.ts";
import { log } from "../observability/log.ts";

/** Encrypts a secret for one column of one row, with a fresh IV. The row's id must be known. */
export async function sealFor(
  column: SQLiteColumn,
  row: number,
  plain: string,
  masterKey: MasterKey,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  return await seal(plain, masterKey, placeOf(column, row), iv);
}

/** Decrypts a secret sealed by `sealFor`. On failure only the log says which secret and why. */
export async function openFrom(
  column: SQLiteColumn,
  row: number,
  sealed: string,
  masterKey: MasterKey,
): Promise<Result<string, "unreadable">> {
  const place = placeOf(column, row);
  const plain = await open(sealed, masterKey, place);
  if (plain.ok) return ok(plain.value);
  log("error", "secret_unreadable", { ...place, reason: plain.error });
  return err("unreadable");
}

function placeOf(column: SQLiteColumn, row: number): Place {
  return { table: getTableName(column.table), column: column.name, row };
}
