import { sql, type SQL } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "./database.ts";
import type { apps, merchants } from "./schema.ts";
import { TtlCache } from "../lib/ttl-cache.ts";

/** How long an isolate takes its word for the highest id, in ms. */
const MAX_AGE_MS = 1_000;

/**
 * The highest id of a table, as far as one isolate knows, so that made-up ids don't cost a read each.
 * Rows are never deleted: an id up to the highest is there, and gets remembered like all settings.
 */
export class HighestId {
  /** To be read as `highest` along with the rows that `find` is to find. */
  readonly highest: SQL<number>;
  readonly #table: typeof apps | typeof merchants;
  #known = 0;
  /**
   * The highest id, as an absence has taught it. What a find has taught, an error here, isn't kept:
   * a row that is younger may be asked for next.
   */
  readonly #latest = new TtlCache<number, number>();

  constructor(table: typeof apps | typeof merchants) {
    this.#table = table;
    this.highest = sql<number>`(select max(${table.id}) from ${table})`;
  }

  /**
   * The rows that `read` finds of this id: one trip. Once an id beyond the highest was asked for, no
   * other of these is looked for in the next second.
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
      // Not `#known` from here on: it may be cleared while this waits for another's search.
      const latest = await this.#latest.get("", nowAt, learn, MAX_AGE_MS);
      if (rows !== undefined) return rows;
      if (id <= (latest.ok ? latest.value : latest.error)) break;
      // What another has found doesn't tell whether this one is there: it is looked for in its turn.
      if (latest.ok) return [];
    }
    return await read();
  }

  /** Knows nothing any more. */
  clear(): void {
    this.#known = 0;
    this.#latest.clear();
  }

  async #readHighest(db: Database): Promise<number> {
    const [row] = await db.select({ highest: this.highest }).from(this.#table).limit(1);
    return row?.highest ?? 0;
  }
}
