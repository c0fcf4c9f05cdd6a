/**
 * An order's timers, in its object's own SQLite. The earliest one is the object's alarm. A timer is
 * written down before the thing it watches over is begun, so that a crash leaves the timer behind.
 */

/** What a timer does when it is due. A refund's timers name their refund. */
export type TimerKind = "ask-payment" | "deliver-pay" | "ask-refund" | "deliver-refund";

/**
 * How long a delivery's timer waits for the booking that it watches over. Only a crash in between,
 * or a database that stalls, lets it run out; then it finds out what became of the booking.
 */
export const BOOKING_GRACE_MS = 30_000;

export interface Timer {
  readonly kind: TimerKind;
  /** The refund's number, or "" for the order itself. */
  readonly refundNo: string;
  readonly dueAt: number;
  /** How often it has come due; starts again when the timer is armed anew. */
  readonly attempt: number;
  /** Calls made to the app so far, for deliveries: written before each call, so none goes uncounted. */
  readonly calls: number;
}

/** What names a timer. */
export type TimerName = Pick<Timer, "kind" | "refundNo">;

type TimerRow = {
  kind: TimerKind;
  refund_no: string;
  due_at: number;
  attempt: number;
  calls: number;
};

export class Timers {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`create table if not exists timers (
      kind text not null,
      refund_no text not null,
      due_at integer not null,
      attempt integer not null,
      calls integer not null,
      primary key (kind, refund_no)
    ) without rowid`);
  }

  /** Arms a timer, from its first attempt; one that is armed already starts again. */
  async arm(name: TimerName, dueAt: number): Promise<void> {
    this.#storage.sql.exec(
      `insert into timers (kind, refund_no, due_at, attempt, calls) values (?, ?, ?, 0, 0)
       on conflict do update set due_at = excluded.due_at, attempt = 0`,
      name.kind,
      name.refundNo,
      dueAt,
    );
    await this.#setAlarm();
  }

  /** Makes a timer due at `dueAt`, arming it if need be; one that has begun its attempts is left alone. */
  async armUnlessBegun(name: TimerName, dueAt: number): Promise<void> {
    this.#storage.sql.exec(
      `insert into timers (kind, refund_no, due_at, attempt, calls) values (?, ?, ?, 0, 0)
       on conflict do update set due_at = excluded.due_at where attempt = 0`,
      name.kind,
      name.refundNo,
      dueAt,
    );
    await this.#setAlarm();
  }

  /**
   * Arms a timer unless it is armed. Returns whether this call armed it.
   * @param calls for a delivery that goes on: the calls made so far
   */
  async armIfAbsent(name: TimerName, dueAt: number, calls = 0): Promise<boolean> {
    const cursor = this.#storage.sql.exec(
      `insert into timers (kind, refund_no, due_at, attempt, calls) values (?, ?, ?, ?, ?)
       on conflict do nothing`,
      name.kind,
      name.refundNo,
      dueAt,
      calls,
      calls,
    );
    const armed = cursor.rowsWritten > 0;
    if (armed) await this.#setAlarm();
    return armed;
  }

  /**
   * Counts an attempt before it is made and puts the timer off to `retryAt`, so that a crash during
   * the attempt leads to another one. Returns the timer as it stands now.
   */
  async begin(timer: Timer, retryAt: number, calls = timer.calls): Promise<Timer> {
    const begun = { ...timer, attempt: timer.attempt + 1, dueAt: retryAt, calls };
    this.#storage.sql.exec(
      "update timers set due_at = ?, attempt = ?, calls = ? where kind = ? and refund_no = ?",
      begun.dueAt,
      begun.attempt,
      begun.calls,
      timer.kind,
      timer.refundNo,
    );
    await this.#setAlarm();
    return begun;
  }

  /** Puts a timer off, unless it was armed anew or hastened since `timer` was read. */
  async putOff(timer: Timer, dueAt: number): Promise<void> {
    this.#storage.sql.exec(
      `update timers set due_at = ?
       where kind = ? and refund_no = ? and attempt = ? and due_at = ?`,
      dueAt,
      timer.kind,
      timer.refundNo,
      timer.attempt,
      timer.dueAt,
    );
    await this.#setAlarm();
  }

  /** Takes a timer away, unless it was armed anew or hastened since `timer` was read. */
  async remove(timer: Timer): Promise<void> {
    this.#storage.sql.exec(
      "delete from timers where kind = ? and refund_no = ? and attempt = ? and due_at = ?",
      timer.kind,
      timer.refundNo,
      timer.attempt,
      timer.dueAt,
    );
    await this.#setAlarm();
  }

  /** The timer of this name, if it is armed. */
  find(name: TimerName): Timer | undefined {
    return this.#read("where kind = ? and refund_no = ?", name.kind, name.refundNo)[0];
  }

  /** Whether the timer is as it was read: neither armed anew, nor hastened, nor gone. */
  stands(timer: Timer): boolean {
    const now = this.find(timer);
    return now?.attempt === timer.attempt && now.dueAt === timer.dueAt;
  }

  /** The timers that are due, the earliest first. */
  due(nowAt: number): readonly Timer[] {
    return this.#read("where due_at <= ? order by due_at", nowAt);
  }

  /** Sets the alarm again; an alarm that has gone off is spent. */
  async resume(): Promise<void> {
    await this.#setAlarm();
  }

  /** Sets the alarm if it is missing or later than the earliest timer. Returns whether it was. */
  async wake(): Promise<boolean> {
    const earliest = this.all()[0];
    if (earliest === undefined) return false;
    const alarmAt = await this.#storage.getAlarm();
    if (alarmAt !== null && alarmAt <= earliest.dueAt) return false;
    await this.#storage.setAlarm(earliest.dueAt);
    return true;
  }

  /** All timers, the earliest first. */
  all(): readonly Timer[] {
    return this.#read("order by due_at");
  }

  #read(clause: string, ...values: (string | number)[]): readonly Timer[] {
    const rows = this.#storage.sql
      .exec<TimerRow>(
        `select kind, refund_no, due_at, attempt, calls from timers ${clause}`,
        ...values,
      )
      .toArray();
    return rows.map((row) => ({
      kind: row.kind,
      refundNo: row.refund_no,
      dueAt: row.due_at,
      attempt: row.attempt,
      calls: row.calls,
    }));
  }

  /** The alarm is always the earliest timer. */
  async #setAlarm(): Promise<void> {
    const earliest = this.all()[0];
    if (earliest === undefined) await this.#storage.deleteAlarm();
    else await this.#storage.setAlarm(earliest.dueAt);
  }
}
