/**
 * The context of every rule: the tables, and the instant of the transaction. A transaction never
 * waits, so no other one runs in between.
 */
export interface LedgerTransaction {
  readonly sql: SqlStorage;
  /** Unix ms. */
  readonly now: number;
}
