import { and, getTableColumns, getTableName, ne, or, sql, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { prefixOf, type MasterKey } from "../lib/secret-box.ts";
import type { Database } from "./database.ts";
import { apps, merchants, requestKeys } from "./schema.ts";

/** The tables that hold secrets. */
export const SECRET_TABLES = [merchants, apps, requestKeys] as const;

export type SecretTable = (typeof SECRET_TABLES)[number];

/** Finds the columns by their names (schema.ts), so that a new secret needs no entry here. */
export function sealedColumnsOf(table: SecretTable): [name: string, column: SQLiteColumn][] {
  return Object.entries(getTableColumns(table)).filter(([, { name }]) => name.endsWith("_sealed"));
}

/** A row whose secrets don't count. */
export interface ExceptRow {
  readonly table: "merchants" | "apps";
  readonly id: number;
}

/**
 * Counts the rows with a secret that neither key opens: it names another key, or has another form.
 * One query that reads every row and decrypts nothing, so it misses a text that names a right key and
 * was tampered with. To be awaited or put into a batch; the result has one row.
 */
export function countUnreadable(db: Database, masterKey: MasterKey) {
  return countRows(db, (column) => isUnreadable(column, masterKey));
}

/**
 * Counts, in the same way, the rows with a secret that is sealed under another key: a sign of a wrong
 * MASTER_KEY, which a text of another form, a damaged one, is not.
 */
export function countSealedUnderOther(db: Database, masterKey: MasterKey, except?: ExceptRow) {
  return countRows(db, (column) => and(isSealed(column), isUnreadable(column, masterKey)), except);
}

function isSealed(column: SQLiteColumn): SQL {
  return sql`${column} glob ${patternOf("k1.????????.")}`;
}

function countRows(
  db: Database,
  isCounted: (column: SQLiteColumn) => SQL | undefined,
  except?: ExceptRow,
) {
  const counts = SECRET_TABLES.map((table) => {
    const counted = or(...sealedColumnsOf(table).map(([, column]) => isCounted(column)));
    const others = except?.table === getTableName(table) ? ne(table.id, except.id) : undefined;
    return sql`(select count(*) from ${table} where ${and(counted, others)})`;
  });
  // A select and not `all`, which a batch of Drizzle's doesn't take with parameters.
  return db.select({ rows: sql<number>`${sql.join(counts, sql` + `)}` }).from(sql`(select 1)`);
}

/** A secret that a row lacks is null, of which `not glob` is neither true nor false. */
function isUnreadable(column: SQLiteColumn, masterKey: MasterKey): SQL | undefined {
  const keys = masterKey.previous === null ? [masterKey] : [masterKey, masterKey.previous];
  return and(...keys.map((key) => sql`${column} not glob ${patternOf(prefixOf(key))}`));
}

/** For `glob`: a sealed text with this prefix. The IV has 16 characters; D1 allows 50 in a pattern. */
function patternOf(prefix: string): string {
  return `${prefix}${"?".repeat(16)}.?*`;
}
