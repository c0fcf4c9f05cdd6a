/**
 * An order's timers, in its object's own storage. A timer is written down before the thing it
 * watches over is begun, so that a crash leaves the timer behind; and the object's alarm goes off
 * no later than the earliest of them.
 *
 * Every row written is billed, and setting the alarm is one (Cloudflare: Durable Objects, pricing).
 * So all timers are one value under one key, and the alarm is moved only when it would be too late.
 * One that has come to be too early wakes the object for nothing, which costs a seventh of a row.
 */

/** What a timer does when it is due. A refund's timers name their refund. */
export type TimerKind = "ask-payment" | "deliver-pay" | "ask-refund" | "deliver-refund";

/**
 * How long a delivery's timer waits for the booking that it watches over. Only a crash in between,
 * or a database that stalls, lets it run out; then it finds out what became of the booking. No less
 * than the wait for the first ask about an order (core/follow-up.ts): the alarm set for that then
 * comes first, and needn't be moved for a payment that follows soon.
 */
export const RECORDING_GRACE_MS = 60_000;

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

const KEY = "timers";

export class Timers {
  readonly #storage: DurableObjectStorage;
  /** When the alarm goes off; null: it isn't set. Undefined: not looked at since the object woke. */
  #alarmAt: number | null | undefined;
  #inAlarm = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Arms a timer, from its first attempt; one that is armed already starts again. */
  async arm(name: TimerName, dueAt: number): Promise<void> {
    await this.#write(begunAnew(name, dueAt, this.find(name)));
  }

  /** Makes a timer due at `dueAt`, arming it if need be; one that has begun its attempts is left alone. */
  async armUnlessBegun(name: TimerName, dueAt: number): Promise<void> {
    const armed = this.find(name);
    await this.#write(
      armed === undefined || armed.attempt === 0 ? begunAnew(name, dueAt, armed) : null,
    );
  }

  /**
   * As `armUnlessBegun`, and takes away `past`, which has nothing to watch over any more: one row
   * written for both.
   */
  async armInsteadOf(past: TimerName, name: TimerName, dueAt: number): Promise<void> {
    const armed = this.find(name);
    const keeps = armed !== undefined && armed.attempt > 0;
    await this.#write(keeps ? null : begunAnew(name, dueAt, armed), past);
  }

  /**
   * Arms a timer unless it is armed. Returns whether this call armed it.
   * @param calls for a delivery that goes on: the calls made so far
   */
  async armIfAbsent(name: TimerName, dueAt: number, calls = 0): Promise<boolean> {
    const { kind, refundNo } = name;
    const armed = this.find(name);
    await this.#write(
      armed === undefined ? { kind, refundNo, dueAt, attempt: calls, calls } : null,
    );
    return armed === undefined;
  }

  /**
   * Counts an attempt before it is made and puts the timer off to `retryAt`, so that a crash during
   * the attempt leads to another one. Returns the timer as it stands now.
   */
  async begin(timer: Timer, retryAt: number, calls = timer.calls): Promise<Timer> {
    const begun = { ...timer, attempt: timer.attempt + 1, dueAt: retryAt, calls };
    await this.#write(this.find(timer) === undefined ? null : begun);
    return begun;
  }

  /** Puts a timer off, unless it was armed anew or hastened since `timer` was read. */
  async putOff(timer: Timer, dueAt: number): Promise<void> {
    const armed = this.#unchanged(timer);
    await this.#write(armed === undefined ? null : { ...armed, dueAt });
  }

  /** Takes a timer away, unless it was armed anew or hastened since `timer` was read. */
  async remove(timer: Timer): Promise<void> {
    await this.#write(null, this.#unchanged(timer));
  }

  /** The timer of this name, if it is armed. */
  find(name: TimerName): Timer | undefined {
    return this.all().find((timer) => isSame(timer, name));
  }

  /** Whether the timer is as it was read: neither armed anew, nor hastened, nor gone. */
  stands(timer: Timer): boolean {
    return this.#unchanged(timer) !== undefined;
  }

  /**
   * The alarm has gone off. Returns the timers that are due, the earliest first. Until `endAlarm` no
   * other alarm is set: the platform runs one at a time, and one that a crash cuts off it repeats
   * by itself (Cloudflare: alarms, at-least-once).
   */
  beginAlarm(nowAt: number): readonly Timer[] {
    this.#inAlarm = true;
    return this.all().filter(({ dueAt }) => dueAt <= nowAt);
  }

  /** Sets the alarm again; an alarm that has gone off is spent. */
  async endAlarm(): Promise<void> {
    this.#inAlarm = false;
    this.#alarmAt = undefined;
    await this.#setAlarm();
  }

  /** Sets the alarm if it is missing or later than the earliest timer. Returns whether it was. */
  async wake(): Promise<boolean> {
    const [earliest] = this.all();
    if (this.#inAlarm || earliest === undefined) return false;
    this.#alarmAt = await this.#storage.getAlarm();
    if (this.#alarmAt !== null && this.#alarmAt <= earliest.dueAt) return false;
    await this.#setAlarm();
    return true;
  }

  /** All timers, the earliest first. */
  all(): readonly Timer[] {
    return this.#storage.kv.get<readonly Timer[]>(KEY) ?? [];
  }

  /** The timer as it was read, if it still stands so. */
  #unchanged({ kind, refundNo, attempt, dueAt }: Timer): Timer | undefined {
    const armed = this.find({ kind, refundNo });
    return armed?.attempt === attempt && armed.dueAt === dueAt ? armed : undefined;
  }

  /** Stores one timer and takes away another, where there are such; then sees to the alarm. */
  async #write(stored: Timer | null, past?: TimerName): Promise<void> {
    const before = this.all();
    const kept = before.filter(
      (timer) =>
        !(stored !== null && isSame(timer, stored)) && !(past !== undefined && isSame(timer, past)),
    );
    const after = [...kept, ...(stored === null ? [] : [stored])].toSorted(
      (left, right) => left.dueAt - right.dueAt,
    );
    if (after.length === 0 && before.length > 0) this.#storage.kv.delete(KEY);
    else if (stored !== null || after.length < before.length) this.#storage.kv.put(KEY, after);
    await this.#setAlarm();
  }

  /** The alarm is never later than the earliest timer. */
  async #setAlarm(): Promise<void> {
    if (this.#inAlarm) return;
    if (this.#alarmAt === undefined) this.#alarmAt = await this.#storage.getAlarm();
    const [earliest] = this.all();
    if (earliest === undefined) return;
    if (this.#alarmAt !== null && this.#alarmAt <= earliest.dueAt) return;
    this.#alarmAt = earliest.dueAt;
    try {
      await this.#storage.setAlarm(earliest.dueAt);
    } catch (error) {
      this.#alarmAt = undefined;
      throw error;
    }
  }
}

function begunAnew({ kind, refundNo }: TimerName, dueAt: number, armed: Timer | undefined): Timer {
  return { kind, refundNo, dueAt, attempt: 0, calls: armed?.calls ?? 0 };
}

function isSame(left: TimerName, right: TimerName): boolean {
  return left.kind === right.kind && left.refundNo === right.refundNo;
}
