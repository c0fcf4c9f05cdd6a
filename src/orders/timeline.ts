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
const MAX_ENTRIES = 500;

const PREFIX = "event:";

/** In the object's own storage, one key an entry: a table would cost two rows written an order. */
export class Timeline {
  readonly #kv: SyncKvStorage;
  /** The last entry's number; undefined when not looked at since the object woke. */
  #last: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#kv = storage.kv;
  }

  /** Writes an entry; the oldest one beyond `MOST_ENTRIES` goes. */
  add(at: number, event: string, facts: TimelineFacts = {}): void {
    const id = (this.#last ?? this.#findLast()) + 1;
    this.#kv.put<TimelineEntry>(keyOf(id), { at, event, facts });
    this.#last = id;
    if (id > MAX_ENTRIES) this.#kv.delete(keyOf(id - MAX_ENTRIES));
  }

  /** All entries, the oldest first. */
  entries(): TimelineEntry[] {
    return Array.from(this.#kv.list<TimelineEntry>({ prefix: PREFIX }), ([, entry]) => entry);
  }

  #findLast(): number {
    const [last] = this.#kv.list({ prefix: PREFIX, reverse: true, limit: 1 });
    return last === undefined ? 0 : Number(last[0].slice(PREFIX.length));
  }
}

/** Keys are listed in the order of their letters. */
function keyOf(id: number): string {
  return PREFIX + String(id).padStart(9, "0");
}
