/**
 * What every rule of the sandbox works on: the tables, and the one instant at which a turn of the
 * object happens. A turn is a transaction without a wait inside, so nothing comes between.
 */
export interface Books {
  sql: SqlStorage;
  /** Unix ms. */
  now: number;
}

/** What a person's or a test's wish comes to; `status` is the HTTP status of a "no". */
export type Outcome<T> = { ok: true; value: T } | { ok: false; status: 404 | 409; error: string };

export function granted<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function conflict<T>(error: string): Outcome<T> {
  return { ok: false, status: 409, error };
}

export function missing<T>(error: string): Outcome<T> {
  return { ok: false, status: 404, error };
}
