import { sql, type SQL } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "./database.ts";
import type { apps, merchants } from "./schema.ts";
import { TtlCache } from "../lib/ttl-cache.ts";

/** How long an isolate caches the highest id, in ms. */
const MAX_AGE_MS = 1_000;

/**
 * The highest id of a table as known to this isolate, so that made-up ids don't cost a read each.
 * Rows are never deleted: every id up to the highest exists, and its row is cached with the settings.
 */
export class HighestId {
  /** A column that the query passed to `find` must select as `highest`. */
  readonly highest: SQL<number>;
  readonly #table: typeof apps | typeof merchants;
  #known = 0;
  /**
   * The highest id, cached for a second only when it came from a miss. A hit is stored as an error,
   * which isn't cached: the next request may be for a newer row.
   */
  readonly #latest = new TtlCache<number, number>();

  constructor(table: typeof apps | typeof merchants) {
    this.#table = table;
    this.highest = sql<number>`(select max(${table.id}) from ${table})`;
  }

  /**
   * The rows that `read` finds for this id: one trip. After a request for an id above the highest,
   * other such ids are absent without a read for the next second.
   */
  async find<R extends { readonly highest: number }>(
    db: Database,
    id: number,
    nowAt: number,
    read: () => Promise<R[]>,
  ): Promise<R[]> {
    let rows: R[] | undefined;
    const learn = async (): Promise<Result<number, number>> => {
      rows = await read();
      const [row] = rows;
      const highest = row?.highest ?? (await this.#readHighest(db));
      this.#known = Math.max(this.#known, highest);
      return row === undefined ? ok(highest) : err(highest);
    };
    while (id > this.#known) {
      // Not `#known` from here on: it may be cleared while this call waits for another's read.
      const latest = await this.#latest.get("", nowAt, learn, MAX_AGE_MS);
      if (rows !== undefined) return rows;
      if (id <= (latest.ok ? latest.value : latest.error)) break;
      // Another call's hit doesn't show whether this id exists: try again.
      if (latest.ok) return [];
    }
    return await read();
  }

  /** Clears the cache. */
  clear(): void {
    this.#known = 0;
    this.#latest.clear();
  }

  async #readHighest(db: Database): Promise<number> {
    const [row] = await db.select({ highest: this.highest }).from(this.#table).limit(1);
    return row?.highest ?? 0;
  }
}
