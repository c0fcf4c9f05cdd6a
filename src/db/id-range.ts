import { sql, type SQL } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { orders, reconciliations, refunds } from "./schema.ts";

/*
 * D1 runs one statement at a time, so a list that reads a whole table holds up every payment. A list
 * therefore reads a bounded part of the primary key. Ids are given in the order of the inserts, so
 * times become bounds on ids without an index on the time, which would cost a row per order.
 */

/** The tables whose rows are listed by id. */
export type ListedTable = typeof orders | typeof refunds | typeof reconciliations;

/** The tables whose ids grow with their `created_at`. */
export type DatedTable = typeof orders | typeof refunds;

/** Ids from `fromId` (inclusive) to `untilId` (exclusive). */
export interface IdRange {
  readonly fromId: number;
  readonly untilId: number;
}

/** Rows that an index holds, usually few. The set contains all rows of the list. */
export interface IndexedSet {
  /** A query of the rows' ids. */
  readonly ids: SQL;
  /** A query of the rows that `ids` reads, to count them. */
  readonly read: SQL;
}

/** Where a list's rows are: among those with the ids of a query, or in a range of ids. */
export type Whereabouts =
  | { readonly kind: "set"; readonly ids: SQL }
  | { readonly kind: "range"; readonly range: IdRange };

/** What a request asks for of a list. */
export interface PageRequest {
  /** Only ids below this one; `Number.MAX_SAFE_INTEGER` for the first page. */
  readonly beforeId: number;
  readonly limit: number;
}

/** A page, newest first. */
export interface IdPage<T> {
  readonly items: T[];
  /**
   * The id before which the next page starts; null at the end of the list. A page may have fewer
   * items than its limit, or none, and still a next one: it has looked at its share of rows.
   */
  readonly nextCursor: number | null;
}

/** More rows than `limit` would have to be looked at. */
export interface TooMany {
  readonly limit: number;
}

/** Rows that one page of a list looks at, at most: about a millisecond of D1's time. */
export const MAX_ROWS_PER_PAGE = 5_000;

/** Rows that the sums of a list look at, at most. */
export const MAX_SUMMED_ROWS = 10_000;

/**
 * The time of a row is taken before its insert, by a clock of one of Cloudflare's machines, so ids
 * and times may disagree for rows that were inserted less than this apart, in ms.
 */
const CLOCK_TOLERANCE_MS = 10 * 60_000;

/** The lowest id of all. */
export const FIRST_ID = sql`1`;

/** The id after the table's last one. */
export function endOfIds(table: ListedTable): SQL {
  return sql`(select coalesce(max(id), 0) + 1 from ${table})`;
}

/** An id such that every row created at `at` (Unix ms) or later has it or a higher one. */
export function idFrom(table: DatedTable, at: SQL | number): SQL {
  return firstIdSince(table, sql`${at} - ${CLOCK_TOLERANCE_MS}`);
}

/** An id such that every row created before `at` (Unix ms) has a lower one. */
export function idUntil(table: DatedTable, at: number): SQL {
  return firstIdSince(table, sql`${at} + ${CLOCK_TOLERANCE_MS}`);
}

/**
 * Binary search along the primary key: 33 rows are read, whatever the table's size. `lower` is the
 * highest id known to be before `at`; each step tries the id that lies `step` higher, or the next
 * one where the ids have a gap.
 */
function firstIdSince(table: DatedTable, at: SQL): SQL {
  const probed = sql`(select t.created_at from ${table} t where t.id >= s.lower + s.step order by t.id limit 1)`;
  return sql`(with recursive s(lower, step) as (
    select 0, 4294967296
    union all
    select case when ${probed} < ${at} then s.lower + s.step else s.lower end, s.step / 2
    from s where s.step > 0
  ) select lower + 1 from s where step = 0)`;
}

/**
 * Finds out where the rows of a list are, in one trip: in the first set for which a page's share of
 * rows suffices, else between the bounds. A table that a page can read as a whole needs no bounds.
 */
export async function locate(
  db: Database,
  table: ListedTable,
  bounds: { readonly from: SQL; readonly until: SQL },
  sets: readonly IndexedSet[],
): Promise<Whereabouts> {
  const sizes = sets.map(
    ({ read }) => sql`(select count(*) from (${read} limit ${MAX_ROWS_PER_PAGE + 1}))`,
  );
  const { sizesJson, endId, ...range } = await db.get<
    IdRange & { readonly endId: number; readonly sizesJson: string }
  >(
    sql`select ${bounds.from} as "fromId", ${bounds.until} as "untilId",
      ${endOfIds(table)} as "endId", json_array(${sql.join(sizes, sql`, `)}) as "sizesJson"`,
  );
  const counted: readonly number[] = JSON.parse(sizesJson);
  const small = sets.find((_, index) => (counted[index] ?? Infinity) <= MAX_ROWS_PER_PAGE);
  if (small !== undefined) return { kind: "set", ids: small.ids };
  const isShort = endId - 1 <= MAX_ROWS_PER_PAGE;
  return { kind: "range", range: isShort ? { fromId: 1, untilId: endId } : range };
}

/** Rows that must be looked at for the whole list, at most. */
export function sizeOf(found: Whereabouts): number {
  switch (found.kind) {
    case "set":
      return MAX_ROWS_PER_PAGE;
    case "range":
      return Math.max(0, found.range.untilId - found.range.fromId);
  }
}

/** The part of a list that is read at once. */
export interface ListPart {
  /** The condition on the table's `id`. */
  readonly within: SQL;
  /** The ids that are read; null for a set. */
  readonly ids: IdRange | null;
  /** Where the list goes on after this part; null at its end. */
  readonly nextCursor: number | null;
}

/** The whole list. */
export function allOf(table: ListedTable, found: Whereabouts): ListPart {
  return found.kind === "set"
    ? { within: sql`${table.id} in ${found.ids}`, ids: null, nextCursor: null }
    : { within: between(table, found.range), ids: found.range, nextCursor: null };
}

/** The part that a page looks at: of a range its last ids. */
export function partOf(table: ListedTable, found: Whereabouts, beforeId: number): ListPart {
  switch (found.kind) {
    case "set": {
      // The unary plus: SQLite shall look the set's ids up, not read all ids before the cursor.
      const within = sql`${table.id} in ${found.ids} and +${table.id} < ${beforeId}`;
      return { within, ids: null, nextCursor: null };
    }
    case "range": {
      const untilId = Math.min(beforeId, found.range.untilId);
      const fromId = Math.max(found.range.fromId, untilId - MAX_ROWS_PER_PAGE);
      const nextCursor = fromId > found.range.fromId ? fromId : null;
      return { within: between(table, { fromId, untilId }), ids: { fromId, untilId }, nextCursor };
    }
  }
}

function between(table: ListedTable, { fromId, untilId }: IdRange): SQL {
  return sql`${table.id} >= ${fromId} and ${table.id} < ${untilId}`;
}

/** The page of `rows`, which were read one past `limit` in `part`. */
export function idPageOf<T extends { readonly id: number }>(
  rows: readonly T[],
  limit: number,
  part: ListPart,
): IdPage<T> {
  const items = rows.slice(0, limit);
  const nextCursor = rows.length > limit ? (items.at(-1)?.id ?? null) : part.nextCursor;
  return { items, nextCursor };
}
