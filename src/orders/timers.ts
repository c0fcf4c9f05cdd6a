/**
 * An order's timers, in its object's own storage. A timer is written before the step that it guards
 * begins, so that a crash leaves the timer behind; the object's alarm is never later than the
 * earliest timer.
 *
 * Every row written is billed, and setting the alarm writes one (Cloudflare: Durable Objects,
 * pricing). So all timers are one value under one key, and the alarm is moved only when it would be
 * too late. An alarm that turns out too early wakes the object for nothing, at a seventh of a row.
 */

/** A timer's name, which selects the work that it does when due. */
export type TimerName =
  | { readonly kind: "poll-payment" }
  | { readonly kind: "deliver-payment" }
  | { readonly kind: "deliver-close" }
  | { readonly kind: "poll-refund"; readonly refundNo: string }
  | { readonly kind: "deliver-refund"; readonly refundNo: string };

/** A delivery's timer: calls the app. */
export type DeliveryName = Extract<TimerName, { kind: `deliver-${string}` }>;

interface Schedule {
  readonly dueAt: number;
  /** How often it has come due; starts again when the timer is armed again. */
  readonly attempt: number;
  /** Calls made to the app so far, for deliveries: written before each call, so every call counts. */
  readonly calls: number;
}

export type Timer = TimerName & Schedule;
export type PollPaymentTimer = Extract<Timer, { kind: "poll-payment" }>;
export type PollRefundTimer = Extract<Timer, { kind: "poll-refund" }>;
export type DeliveryTimer = DeliveryName & Schedule;

/**
 * How long a delivery's timer waits for the recording that it guards. It runs out only after a crash
 * in between, or when the database stalls; then it finds out how the recording ended. No less than
 * the wait for an order's first poll (domain/polling.ts): the alarm set for that comes first, and
 * needn't be moved for a payment that follows soon.
 */
export const RECORDING_GRACE_MS = 60_000;

const KEY = "timers";

/** The refund that a timer is about; null for the order itself. */
export function refundNoOf(name: TimerName): string | null {
  return "refundNo" in name ? name.refundNo : null;
}

/** Equal for timers of the same name only. */
export function timerKey(name: TimerName): string {
  return `${name.kind} ${refundNoOf(name) ?? ""}`;
}

export class Timers {
  readonly #storage: DurableObjectStorage;
  /** When the alarm goes off; null: it isn't set. Undefined: not read since the object woke. */
  #alarmAt: number | null | undefined;
  #inAlarm = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Arms a timer, from its first attempt; an armed one starts again. */
  async arm(name: TimerName, dueAt: number): Promise<void> {
    await this.#write(firstAttempt(name, dueAt, this.find(name)));
  }

  /** Makes a timer due at `dueAt`, arming it if need be; one that has begun its attempts stays. */
  async armUnlessBegun(name: TimerName, dueAt: number): Promise<void> {
    const armed = this.find(name);
    await this.#write(
      armed === undefined || armed.attempt === 0 ? firstAttempt(name, dueAt, armed) : null,
    );
  }

  /** As `armUnlessBegun`, and removes `obsolete`, which guards nothing any more: one row for both. */
  async replace(obsolete: TimerName, name: TimerName, dueAt: number): Promise<void> {
    const armed = this.find(name);
    const begun = armed !== undefined && armed.attempt > 0;
    await this.#write(begun ? null : firstAttempt(name, dueAt, armed), obsolete);
  }

  /**
   * Arms a timer unless it is armed. Returns whether this call armed it.
   * @param calls for a delivery that continues: the calls made so far
   */
  async armIfAbsent(name: TimerName, dueAt: number, calls = 0): Promise<boolean> {
    const armed = this.find(name);
    await this.#write(
      armed === undefined ? { ...nameOf(name), dueAt, attempt: calls, calls } : null,
    );
    return armed === undefined;
  }

  /**
   * Counts an attempt before it is made and postpones the timer to `retryAt`, so that a crash during
   * the attempt leads to another one. Returns the timer as stored.
   */
  async begin<T extends Timer>(timer: T, retryAt: number, calls = timer.calls): Promise<T> {
    const begun: T = { ...timer, attempt: timer.attempt + 1, dueAt: retryAt, calls };
    await this.#write(this.find(timer) === undefined ? null : begun);
    return begun;
  }

  /** Postpones a timer, unless it was armed again or moved forward since `timer` was read. */
  async putOff(timer: Timer, dueAt: number): Promise<void> {
    const armed = this.#unchanged(timer);
    await this.#write(armed === undefined ? null : { ...armed, dueAt });
  }

  /** Removes a timer, unless it was armed again or moved forward since `timer` was read. */
  async remove(timer: Timer): Promise<void> {
    await this.#write(null, this.#unchanged(timer));
  }

  /** The timer of this name, if it is armed. */
  find(name: TimerName): Timer | undefined {
    return this.all().find((timer) => isSame(timer, name));
  }

  /** Whether the timer is as it was read: not armed again, moved forward or removed. */
  isUnchanged(timer: Timer): boolean {
    return this.#unchanged(timer) !== undefined;
  }

  /**
   * The alarm has gone off. Returns the due timers, earliest first. Until `endAlarm` no other alarm
   * is set: the platform runs one at a time, and repeats one that a crash cuts off (Cloudflare:
   * alarms, at-least-once).
   */
  beginAlarm(nowAt: number): readonly Timer[] {
    this.#inAlarm = true;
    return this.all().filter(({ dueAt }) => dueAt <= nowAt);
  }

  /** Sets the alarm again: one that has gone off is spent. */
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

  /** All timers, earliest first. */
  all(): readonly Timer[] {
    return this.#storage.kv.get<readonly Timer[]>(KEY) ?? [];
  }

  #unchanged(timer: Timer): Timer | undefined {
    const armed = this.find(timer);
    return armed?.attempt === timer.attempt && armed.dueAt === timer.dueAt ? armed : undefined;
  }

  /** Stores `stored` and removes `removed`, if present; then checks the alarm. */
  async #write(stored: Timer | null, removed?: TimerName): Promise<void> {
    const before = this.all();
    const kept = before.filter(
      (timer) =>
        !(stored !== null && isSame(timer, stored)) &&
        !(removed !== undefined && isSame(timer, removed)),
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

function firstAttempt(name: TimerName, dueAt: number, armed: Timer | undefined): Timer {
  return { ...nameOf(name), dueAt, attempt: 0, calls: armed?.calls ?? 0 };
}

/** The name alone, where `name` may be a whole timer. */
function nameOf(name: TimerName): TimerName {
  switch (name.kind) {
    case "poll-payment":
    case "deliver-payment":
    case "deliver-close":
      return { kind: name.kind };
    case "poll-refund":
    case "deliver-refund":
      return { kind: name.kind, refundNo: name.refundNo };
  }
}

function isSame(left: TimerName, right: TimerName): boolean {
  return timerKey(left) === timerKey(right);
}
