import type { Result } from "./result.ts";

/** Maximum age of cached settings, in ms: an operator's change takes effect within this time. */
export const MAX_AGE_MS = 60_000;

/** Maximum number of entries of one cache: some kilobytes each, of the 128 MB of an isolate. */
export const MAX_ENTRIES = 1_000;

/** How long to wait for a load that another request started, in ms: much longer than D1 takes. */
export const SHARED_LOAD_TIMEOUT_MS = 1_000;

interface Entry<T> {
  readonly value: T;
  readonly loadedAt: number;
}

/**
 * Values that one isolate has loaded from the database, kept for `MAX_AGE_MS`. Never caches an
 * absence or a failure: a new app works at once, and so does the gateway after an outage.
 */
export class TtlCache<T, E> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #loading = new Map<string, Promise<Result<T, E>>>();

  /**
   * Returns the cached value, or loads it. Concurrent calls for one key share a load; if it throws,
   * all of them throw. `maxAgeMs`: the maximum age of a cached value for this call.
   */
  async get(
    key: string,
    nowAt: number,
    load: () => Promise<Result<T, E>>,
    maxAgeMs = MAX_AGE_MS,
  ): Promise<Result<T, E>> {
    const entry = this.#entries.get(key);
    // Absolute: a clock set back must not extend an entry's life.
    if (entry !== undefined && Math.abs(nowAt - entry.loadedAt) < maxAgeMs) {
      return { ok: true, value: entry.value };
    }
    const shared = this.#loading.get(key);
    if (shared !== undefined) {
      const loaded = await withTimeout(shared);
      if (loaded !== undefined) return loaded;
    }
    return await this.#load(key, nowAt, load);
  }

  /** Removes all entries. Loads in progress still reach their callers but aren't cached. */
  clear(): void {
    this.#entries.clear();
    this.#loading.clear();
  }

  async #load(
    key: string,
    nowAt: number,
    load: () => Promise<Result<T, E>>,
  ): Promise<Result<T, E>> {
    const loading = load();
    this.#loading.set(key, loading);
    try {
      const loaded = await loading;
      // Not after a `clear` in the meantime: the load may have read the row before its change.
      if (loaded.ok && this.#loading.get(key) === loading) this.#keep(key, loaded.value, nowAt);
      return loaded;
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    }
  }

  #keep(key: string, value: T, loadedAt: number): void {
    // Inserting an entry again moves it to the end, so the first entry is the oldest.
    this.#entries.delete(key);
    this.#entries.set(key, { value, loadedAt });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }
}

/**
 * Waits for another request's load; undefined after a timeout. The load may never end: the runtime
 * drops a request whose client has disconnected, along with the queries that it waits for.
 */
async function withTimeout<A>(shared: Promise<A>): Promise<A | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), SHARED_LOAD_TIMEOUT_MS);
  });
  try {
    return await Promise.race([shared, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
