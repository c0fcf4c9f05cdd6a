import { and, asc, eq, getTableName, notLike, or } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { prefixOf, type MasterKey } from "../lib/secret-box.ts";
import type { Database } from "./database.ts";
import { SECRET_TABLES, sealedColumnsOf, type SecretTable } from "./sealed-columns.ts";
import { openFrom, sealFor } from "./secrets.ts";

/** Rows written per call, one update each: on Workers' free plan a request may make 50 queries. */
export const MAX_RESEALS = 40;

/**
 * Rows of a table read per call. Far above `MAX_RESEALS`, so that unreadable rows, which are read
 * each time, don't block the others.
 */
const MAX_CANDIDATES = 500;

/** The outcome per row. Once nothing is left, the three groups together are all rows. */
export interface ResealResult {
  readonly resealed: number;
  /** All their secrets name the current key. They are counted, not decrypted. */
  readonly alreadyCurrent: number;
  /** Rows with a secret that doesn't decrypt (the log says which and why); their others are resealed. */
  readonly unreadable: readonly { readonly table: string; readonly id: number }[];
  /**
   * Rows are left for another call. If further calls reseal nothing, too many unreadable rows come
   * first.
   */
  readonly more: boolean;
}

/**
 * Encrypts the secrets of merchants and apps again under the current master key, in at most
 * `MAX_RESEALS` rows. A row whose secrets change meanwhile is left for another call. `updatedAt`
 * stays: nothing that is shown changes.
 */
export async function reseal(db: Database, masterKey: MasterKey): Promise<ResealResult> {
  const unreadable: { table: string; id: number }[] = [];
  let resealed = 0;
  let alreadyCurrent = 0;
  let updates = 0;
  let more = false;
  for (const table of SECRET_TABLES) {
    // A secret that a row lacks is null, which `not like` doesn't match.
    const pattern = `${prefixOf(masterKey)}%`;
    const isStale = or(...sealedColumnsOf(table).map(([, column]) => notLike(column, pattern)));
    alreadyCurrent += (await db.$count(table)) - (await db.$count(table, isStale));
    const rows = await db
      .select()
      .from(table)
      .where(isStale)
      .orderBy(asc(table.id))
      .limit(MAX_CANDIDATES);
    if (rows.length === MAX_CANDIDATES) more = true;
    for (const row of rows) {
      if (updates === MAX_RESEALS) {
        more = true;
        break;
      }
      const { changes, readable } = await resealRow(table, row, masterKey);
      if (changes.length > 0) {
        updates++;
        if (!(await swap(db, table, row.id, changes))) {
          more = true;
          continue;
        }
      }
      if (readable) resealed++;
      else unreadable.push({ table: getTableName(table), id: row.id });
    }
  }
  return { resealed, alreadyCurrent, unreadable, more };
}

/** A secret of a row, before and after. */
interface Change {
  readonly name: string;
  readonly column: SQLiteColumn;
  readonly before: string;
  readonly after: string;
}

/** The row's secrets under other keys, resealed under the current one; without unreadable ones. */
async function resealRow(
  table: SecretTable,
  row: Readonly<Record<string, unknown>> & { readonly id: number },
  masterKey: MasterKey,
): Promise<{ changes: Change[]; readable: boolean }> {
  const changes: Change[] = [];
  let readable = true;
  for (const [name, column] of sealedColumnsOf(table)) {
    const before = row[name];
    if (typeof before !== "string" || before.startsWith(prefixOf(masterKey))) continue;
    const plain = await openFrom(column, row.id, before, masterKey);
    if (plain.ok) {
      const after = await sealFor(column, row.id, plain.value, masterKey);
      changes.push({ name, column, before, after });
    } else {
      readable = false;
    }
  }
  return { changes, readable };
}

/** Compares and sets all changes at once: false when a rotation or a new key changed one meanwhile. */
async function swap(
  db: Database,
  table: SecretTable,
  id: number,
  changes: readonly Change[],
): Promise<boolean> {
  const swapped = await db
    .update(table)
    .set(Object.fromEntries(changes.map(({ name, after }) => [name, after])))
    .where(and(eq(table.id, id), ...changes.map(({ column, before }) => eq(column, before))))
    .returning({ id: table.id });
  return swapped.length > 0;
}
