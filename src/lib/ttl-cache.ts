import type { Result } from "./result.ts";

/** How long settings may be used without looking again, in ms: an operator's change takes this long at most. */
export const MAX_AGE_MS = 60_000;

/** Entries an isolate keeps of one kind: some kilobytes each, of 128 MB. */
export const MAX_ENTRIES = 1_000;

/** How long to wait for a load that another request began, in ms: many times what D1 takes. */
export const SHARED_LOAD_TIMEOUT_MS = 1_000;

interface Entry<T> {
  readonly value: T;
  readonly loadedAt: number;
}

/**
 * What one isolate remembers of the database for `SETTINGS_LIFE_MS`. Only what was found is kept,
 * never an absence or a failure: a new app works at once, an outage ends when it ends.
 */
export class TtlCache<T, E> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #loading = new Map<string, Promise<Result<T, E>>>();

  /**
   * The remembered value, or that of `load`. Concurrent calls for one key share a load; one that
   * throws is thrown to all that share it. `lifeMs`: how old a remembered value may be here.
   */
  async get(
    key: string,
    nowAt: number,
    load: () => Promise<Result<T, E>>,
    lifeMs = MAX_AGE_MS,
  ): Promise<Result<T, E>> {
    const entry = this.#entries.get(key);
    // Either way round: a clock set back must not lengthen an entry's life.
    if (entry !== undefined && Math.abs(nowAt - entry.loadedAt) < lifeMs) {
      return { ok: true, value: entry.value };
    }
    const shared = this.#loading.get(key);
    if (shared !== undefined) {
      const answer = await withTimeout(shared);
      if (answer !== undefined) return answer;
    }
    return await this.#load(key, nowAt, load);
  }

  /** Forgets everything. Loads under way go to those who wait for them, and are not kept. */
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
      const answer = await loading;
      // Not when `clear` came between: what was read may be what has just been changed.
      if (answer.ok && this.#loading.get(key) === loading) this.#keep(key, answer.value, nowAt);
      return answer;
    } finally {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    }
  }

  #keep(key: string, value: T, loadedAt: number): void {
    // Set anew, an entry moves to the end: the first is the one loaded longest ago.
    this.#entries.delete(key);
    this.#entries.set(key, { value, loadedAt });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }
}

/**
 * Another request's load, or undefined when it takes too long. It may never end: the runtime drops
 * a request whose client has gone, and with it the queries that it waits for.
 */
async function withTimeout<A>(shared: Promise<A>): Promise<A | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tired = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), SHARED_LOAD_TIMEOUT_MS);
  });
  try {
    return await Promise.race([shared, tired]);
  } finally {
    clearTimeout(timer);
  }
}
