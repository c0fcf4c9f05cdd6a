import { sql, type SQL } from "drizzle-orm";
import type { Database } from "./database.ts";
import type { AppPosition, Position } from "./schema.ts";

/** An order to check, and its place in the list. */
export interface Candidate extends Position {
  readonly appId: number;
  /** The order's number. */
  readonly number: string;
  /** How many of the app's rows the page might have held: more than it holds, and others wait. */
  readonly found: number;
}

/**
 * One page of a list: the first candidate of each app, the second of each, and so on up to the
 * window's limit. So each app gets an equal part of the page, and one app alone all of it.
 */
export interface Page {
  readonly candidates: readonly Candidate[];
  /** The list has been read up to here: rows that come later have this `at` or a greater one. */
  readonly end: number;
  /** Where the page stopped reading the rows of an app that is behind, if before `end`. */
  readonly stops: readonly AppPosition[];
}

/** The part of a list to read. */
export interface ScanWindow {
  /** First `at`, inclusive, for an app that isn't behind. */
  readonly from: number;
  /** The apps that continue elsewhere. */
  readonly behind: readonly AppPosition[];
  /** Unix ms: rows with this time or a later one may still have their timer. */
  readonly before: number;
  /** Maximum number of candidates. */
  readonly limit: number;
}

/** A list that has a partial index by app and `at`. The pieces of SQL name columns without a table. */
export interface IndexedList {
  readonly table: "orders" | "refunds";
  /** The condition of the index. */
  readonly condition: SQL;
  readonly at: SQL;
}

/**
 * The next page of a list: one statement, which reads at most `limit` rows of each app, along the
 * list's index.
 */
export async function readIndexedPage(
  db: Database,
  { table, condition, at }: IndexedList,
  { from, behind, before, limit }: ScanWindow,
): Promise<Page> {
  const candidates = await readPage(
    db,
    sql`select apps.id as app_id, listed.id as id, listed.${at} as at,
          ${table === "orders" ? sql`listed.number` : sql`(select number from orders where id = listed.order_id)`} as number
        from apps
        left join json_each(${JSON.stringify(behind)}) as place on place.value ->> 'appId' = apps.id
        cross join ${sql.identifier(table)} as listed on listed.id in (
          select id from ${sql.identifier(table)}
          where ${condition} and app_id = apps.id and ${at} < ${before}
            and (${at}, id) > (coalesce(place.value ->> 'at', ${from}), coalesce(place.value ->> 'id', 0))
          order by ${at}, id limit ${limit + 1}
        )`,
    limit,
  );
  return { candidates, end: before, stops: [] };
}

/** Ranks the rows `found` of each app (`app_id`, `number`, `at`, `id`) and takes the page from them. */
export async function readPage(db: Database, found: SQL, limit: number): Promise<Candidate[]> {
  return await db.all<Candidate>(sql`
    with found as (${found}),
      ranked as (
        select *, row_number() over (partition by app_id order by at, id) as rank,
          count(*) over (partition by app_id) as found
        from found
      )
    select app_id as appId, number, at, id, found from ranked
    where rank <= ${limit} order by rank, at, id limit ${limit}`);
}
