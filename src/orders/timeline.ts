import type { RefundState } from "../domain/states.ts";

/** An event of an order, for people: calls out and in, state changes, deliveries. */
export interface TimelineEntry {
  /** When it happened first. */
  readonly at: number;
  readonly event: TimelineEvent;
  /** Facts about it. Never a secret, never an openId. */
  readonly facts: TimelineFacts;
  /** For an event that has happened again with the same facts: how often in all, and when last. */
  readonly repeated?: { readonly count: number; readonly lastAt: number };
}

/** A closed set. No code decides by a timeline, because it may lose entries. */
export type TimelineEvent =
  | "wechat.prepay"
  | "wechat.query_payment"
  | "wechat.close"
  | "wechat.refund"
  | "wechat.query_refund"
  | "wechat.list_refunds"
  | "payment.recorded"
  | "payment.repeated"
  | "payment.contradiction"
  | "order.close_requested"
  | "order.failed"
  | "refund.requested"
  | "refund.held"
  | "refund.notified"
  | "refund.imported"
  | "refund.released"
  | "refund.contradiction"
  | `refund.${RefundState}`
  | "app.called"
  | "timer.restored";

/** What reported a payment: WeChat's notification, our query, or a query that the bill led to. */
export type PaymentSource = "notification" | "query" | "bill";

export type TimelineFacts = Readonly<Record<string, string | number | boolean | null>>;

/** An order usually has a few dozen entries. */
const MAX_ENTRIES = 500;

const PREFIX = "event:";

/**
 * In the object's own storage, one key per entry: a table would write two rows per order.
 *
 * An event that happens again with the same facts is counted in its entry, so that whoever repeats a
 * message or a request can't push out what happened before. So facts must not contain what a stranger
 * can choose, nor what differs each time.
 */
export class Timeline {
  readonly #kv: SyncKvStorage;
  /** The number of each event's entry; undefined when not read since the object woke. */
  #ids: Map<string, number> | undefined;
  #last = 0;

  constructor(storage: DurableObjectStorage) {
    this.#kv = storage.kv;
  }

  /** Counts a repeat; otherwise writes an entry and drops the oldest one beyond `MAX_ENTRIES`. */
  add(at: number, event: TimelineEvent, facts: TimelineFacts = {}): void {
    const ids = (this.#ids ??= this.#readIds());
    const content = contentOf({ event, facts });
    const id = ids.get(content);
    if (id !== undefined && this.#countRepeat(id, at)) return;
    this.#last += 1;
    this.#kv.put<TimelineEntry>(keyOf(this.#last), { at, event, facts });
    ids.set(content, this.#last);
    if (this.#last > MAX_ENTRIES) this.#kv.delete(keyOf(this.#last - MAX_ENTRIES));
  }

  /** Returns false when the entry has been dropped. */
  #countRepeat(id: number, at: number): boolean {
    const entry = this.#kv.get<TimelineEntry>(keyOf(id));
    if (entry === undefined) return false;
    const repeated = { count: (entry.repeated?.count ?? 1) + 1, lastAt: at };
    this.#kv.put<TimelineEntry>(keyOf(id), { ...entry, repeated });
    return true;
  }

  /** All entries, oldest first. */
  entries(): TimelineEntry[] {
    return Array.from(this.#kv.list<TimelineEntry>({ prefix: PREFIX }), ([, entry]) => entry);
  }

  #readIds(): Map<string, number> {
    const ids = new Map<string, number>();
    for (const [key, entry] of this.#kv.list<TimelineEntry>({ prefix: PREFIX })) {
      this.#last = Number(key.slice(PREFIX.length));
      ids.set(contentOf(entry), this.#last);
    }
    return ids;
  }
}

/** Equal for the same event with the same facts. */
function contentOf({ event, facts }: Pick<TimelineEntry, "event" | "facts">): string {
  return JSON.stringify([event, facts]);
}

/** Padded, because keys are listed in the order of their characters. */
function keyOf(id: number): string {
  return PREFIX + String(id).padStart(9, "0");
}
