import {
  countQuery,
  isExhausted,
  type QueryCount,
  type QueryLimit,
} from "../domain/query-limit.ts";

const KEY = "query_count";

/**
 * Counts queries to WeChat in an object's own storage, so that an object that is evicted, or moved,
 * doesn't start again: every query that is counted writes a row.
 */
export class QueryCounter {
  readonly #kv: SyncKvStorage;
  readonly #limit: QueryLimit;

  constructor(storage: DurableObjectStorage, limit: QueryLimit) {
    this.#kv = storage.kv;
    this.#limit = limit;
  }

  /** Whether this minute has no query left. */
  isExhausted(nowAt: number): boolean {
    return isExhausted(this.#count(), this.#limit, nowAt);
  }

  /** Counts a query before it is made. False: it is over the limit and isn't counted. */
  take(share: string | null, nowAt: number): boolean {
    const counted = countQuery(this.#count(), this.#limit, share, nowAt);
    if (counted === null) return false;
    this.#kv.put<QueryCount>(KEY, counted);
    return true;
  }

  #count(): QueryCount | null {
    return this.#kv.get<QueryCount>(KEY) ?? null;
  }
}
