import type { RefundState } from "../domain/states.ts";

/** An event of an order, for people: calls out and in, state changes, deliveries. */
export interface TimelineEntry {
  readonly at: number;
  readonly event: TimelineEvent;
  /** Facts about it. Never a secret, never an openId. */
  readonly facts: TimelineFacts;
}

/** A closed set. No code decides by a timeline, because it may lose entries. */
export type TimelineEvent =
  | "wechat.prepay"
  | "wechat.query_payment"
  | "wechat.close"
  | "wechat.refund"
  | "wechat.query_refund"
  | "payment.recorded"
  | "payment.repeated"
  | "payment.contradiction"
  | "order.failed"
  | "refund.requested"
  | "refund.held"
  | "refund.notified"
  | "refund.imported"
  | "refund.contradiction"
  | `refund.${RefundState}`
  | "app.called"
  | "timer.restored";

export type TimelineFacts = Readonly<Record<string, string | number | boolean | null>>;

/** An order usually has a few dozen entries; a flood of repeats must not fill its storage. */
const MAX_ENTRIES = 500;

const PREFIX = "event:";

/** In the object's own storage, one key per entry: a table would write two rows per order. */
export class Timeline {
  readonly #kv: SyncKvStorage;
  /** The last entry's number; undefined when not read since the object woke. */
  #last: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#kv = storage.kv;
  }

  /** Writes an entry and drops the oldest one beyond `MAX_ENTRIES`. */
  add(at: number, event: TimelineEvent, facts: TimelineFacts = {}): void {
    const id = (this.#last ?? this.#findLast()) + 1;
    this.#kv.put<TimelineEntry>(keyOf(id), { at, event, facts });
    this.#last = id;
    if (id > MAX_ENTRIES) this.#kv.delete(keyOf(id - MAX_ENTRIES));
  }

  /** All entries, oldest first. */
  entries(): TimelineEntry[] {
    return Array.from(this.#kv.list<TimelineEntry>({ prefix: PREFIX }), ([, entry]) => entry);
  }

  #findLast(): number {
    const [last] = this.#kv.list({ prefix: PREFIX, reverse: true, limit: 1 });
    return last === undefined ? 0 : Number(last[0].slice(PREFIX.length));
  }
}

/** Padded, because keys are listed in the order of their characters. */
function keyOf(id: number): string {
  return PREFIX + String(id).padStart(9, "0");
}
