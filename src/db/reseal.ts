import { and, asc, eq, getTableColumns, getTableName, notLike, or } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { prefixOf, type MasterKey } from "../lib/secret-box.ts";
import type { Database } from "./database.ts";
import { apps, merchants, requestKeys } from "./schema.ts";
import { openFrom, sealFor } from "./secrets.ts";

/** Rows written a call, an update each: on Workers' free plan a request may make 50 queries. */
export const MAX_RESEALS = 40;

/**
 * Rows of a table looked at a call. Far above `RESEAL_MOST`, so that unreadable rows, which are
 * looked at each time, don't keep the others from their turn.
 */
const MAX_CANDIDATES = 500;

/** The tables that hold secrets. */
const TABLES = [merchants, apps, requestKeys] as const;

type SecretTable = (typeof TABLES)[number];

/** What became of the rows. Once nothing is left, the three groups together are all rows. */
export interface Resealing {
  readonly resealed: number;
  /** All their secrets name the current key. They are counted, not opened. */
  readonly alreadyCurrent: number;
  /** A secret of theirs doesn't open, the log says which and why; the others are sealed anew. */
  readonly unreadable: readonly { readonly table: string; readonly id: number }[];
  /** Something is left for another call; if no call reseals anything, behind too many unreadable rows. */
  readonly more: boolean;
}

/**
 * Seals the secrets of merchants and apps anew under the current master key, at most `RESEAL_MOST`
 * rows of them. A row whose secrets change meanwhile is left for another call. `updatedAt` stays:
 * nothing that is ever shown changes.
 */
export async function reseal(db: Database, masterKey: MasterKey): Promise<Resealing> {
  const unreadable: { table: string; id: number }[] = [];
  let resealed = 0;
  let alreadyCurrent = 0;
  let updates = 0;
  let more = false;
  for (const table of TABLES) {
    // A secret that a row doesn't have is null, which is neither like nor unlike.
    const pattern = `${prefixOf(masterKey)}%`;
    const isStale = or(...secretsOf(table).map(([, column]) => notLike(column, pattern)));
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
      const { changes, readable } = await sealedAnew(table, row, masterKey);
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

/** One secret of a row. */
interface Change {
  readonly name: string;
  readonly column: SQLiteColumn;
  readonly before: string;
  readonly after: string;
}

/** The row's secrets of other keys, sealed under the current one; not those that don't open. */
async function sealedAnew(
  table: SecretTable,
  row: Readonly<Record<string, unknown>> & { readonly id: number },
  masterKey: MasterKey,
): Promise<{ changes: Change[]; readable: boolean }> {
  const changes: Change[] = [];
  let readable = true;
  for (const [name, column] of secretsOf(table)) {
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

/** Compare-and-set of all changes at once: false when a rotation or a new key came between. */
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

/** By the columns' names (schema.ts), so that a new secret is sealed anew without being listed. */
function secretsOf(table: SecretTable): [name: string, column: SQLiteColumn][] {
  return Object.entries(getTableColumns(table)).filter(([, { name }]) => name.endsWith("_sealed"));
}
