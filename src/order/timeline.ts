/** What happened to an order, for people: each call out and in, each change of state, each delivery. */
export interface TimelineEntry {
  readonly at: number;
  /** What happened, e.g. `wechat.refund`, `pay.booked`, `app.called`. */
  readonly event: string;
  /** Facts about it. Never a secret, never an openId. */
  readonly facts: TimelineFacts;
}

export type TimelineFacts = Readonly<Record<string, string | number | boolean | null>>;

/** An order lives for a few dozen entries; a flood of repeats must not fill its storage. */
const MOST_ENTRIES = 500;

type EntryRow = { at: number; event: string; facts: string };

export class Timeline {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`create table if not exists events (
      id integer primary key,
      at integer not null,
      event text not null,
      facts text not null
    )`);
  }

  /** Writes an entry; the oldest one beyond `MOST_ENTRIES` goes. */
  add(at: number, event: string, facts: TimelineFacts = {}): void {
    const row = this.#sql
      .exec<{ id: number }>(
        "insert into events (at, event, facts) values (?, ?, ?) returning id",
        at,
        event,
        JSON.stringify(facts),
      )
      .one();
    if (row.id > MOST_ENTRIES)
      this.#sql.exec("delete from events where id = ?", row.id - MOST_ENTRIES);
  }

  /** All entries, the oldest first. */
  entries(): TimelineEntry[] {
    const rows = this.#sql
      .exec<EntryRow>("select at, event, facts from events order by id")
      .toArray();
    return rows.map(({ at, event, facts }) => {
      const written: TimelineFacts = JSON.parse(facts);
      return { at, event, facts: written };
    });
  }
}
