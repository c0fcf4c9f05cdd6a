import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { configOf, type Config } from "../../../src/config.ts";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { newMeter } from "../../../src/observability/request-meter.ts";
import { openWork } from "../../../src/settings/work-context.ts";
import { sweep } from "../../../src/sweep/sweep.ts";
import { advance } from "../../support/clock.ts";
import { isPaid } from "./books.ts";
import { claim } from "./claim.ts";
import { alarmOf } from "./play.ts";
import { ledger, objectOf, type Scene } from "./scene.ts";
import { watch } from "./watch.ts";

/** Far more alarms than any history needs. */
const MOST_ALARMS = 400;
/** The sweep begins anew each day: what it has to see to, it sees to in two. */
const MOST_SWEEPS = 5;
const SWEEP_EVERY_MS = 12 * 3600_000;

/**
 * The world after the history: nothing fails any more, WeChat decides all refunds, and time goes on
 * until there is nothing left to do.
 */
export async function settle(scene: Scene): Promise<void> {
  const config = configuration();
  scene.wires.heal();
  scene.apps.heal();
  await ledger().clearFaults();
  await runOut(scene);
  claimTimersSufficed(scene);
  for (let rounds = 0; isUnfinished(scene); rounds += 1) {
    claim(
      rounds < MOST_SWEEPS,
      "end",
      "something is never finished, and the sweep doesn't mend it",
    );
    await tellAgain(scene);
    advance(SWEEP_EVERY_MS);
    await sweep(openWork(env, config, newMeter(env)));
    await watch(scene);
    await runOut(scene);
  }
}

function configuration(): Config {
  const config = configOf(env);
  if (!config.ok) throw new Error(config.error.join("; "));
  return config.value;
}

/**
 * The sweep is a belt: the timers alone bring every booked payment and every refund to its end,
 * whatever crashed. Only an order that waits may be left to the sweep: when a crash came between its
 * answer and its timers, or D1 has the row though its answer was lost and nobody was sent to pay.
 */
function claimTimersSufficed(scene: Scene): void {
  const { books, bridges, crashes } = scene;
  for (const { number, payState } of books.orders.filter(isUntold)) {
    const excused = payState === "waiting" && (crashes > 0 || !bridges.has(number));
    claim(excused, "5", `an order is ${payState}, and no timer is left to bring it to its end`);
  }
  claim(!books.refunds.some(isOpen), "4", "a refund is open, and no timer is left to end it");
}

/** Whether there is something that only the sweep, or WeChat's own repeat, can still mend. */
function isUnfinished({ books }: Scene): boolean {
  const late = books.orders.some(
    ({ number, payState }) => payState === "failed" && isPaid(books.wechatOrders.get(number)),
  );
  return late || books.orders.some(isUntold) || books.refunds.some(isOpen);
}

function isUntold({ payState, payNotifyState }: OrderRow): boolean {
  return payState === "waiting" || (payState === "paid" && payNotifyState !== "confirmed");
}

function isOpen({ state, notifyState }: RefundRow): boolean {
  return state !== "refused" && notifyState !== "confirmed";
}

/** What was paid late: nobody asks about a failed order, but WeChat tells of it until it is heard. */
async function tellAgain({ books }: Scene): Promise<void> {
  for (const { number, payState } of books.orders) {
    if (payState === "failed") await ledger().notifyPaymentAgain(number);
  }
}

/** Runs every alarm of every object in its turn, until none is left. */
async function runOut(scene: Scene): Promise<void> {
  const alarms = new Alarms();
  for (let runs = 0; ; runs += 1) {
    claim(runs < MOST_ALARMS, "end", "there is no end of alarms");
    await decideOpen(scene);
    const next = await alarms.next(scene);
    if (next === null) return;
    vi.setSystemTime(Math.max(Date.now(), next.dueAt));
    await runDurableObjectAlarm(next.stub);
    alarms.forget(next.name);
    await watch(scene);
  }
}

/** What WeChat takes longest for, or has called abnormal, ends: well and badly by turns. */
async function decideOpen({ books }: Scene): Promise<void> {
  for (const [index, { number, status }] of [...books.wechatRefunds.values()].entries()) {
    if (status === "SUCCESS" || status === "REFUNDCLOSE") continue;
    const end = index % 2 === 0 ? "SUCCESS" : "REFUNDCLOSE";
    await ledger().decideRefund(number, end, index % 3 !== 2);
  }
}

const WECHAT = "wechat";

interface Alarm {
  readonly name: string;
  readonly stub: DurableObjectStub;
  readonly dueAt: number;
}

/** When each object's alarm goes off. Asked for again only where it may have changed. */
class Alarms {
  readonly #known = new Map<string, number | null>();

  /** An object has run: what it did may have reached WeChat, and what WeChat does anybody. */
  forget(name: string): void {
    if (name === WECHAT) this.#known.clear();
    this.#known.delete(name);
  }

  /** The earliest of all, or null when there is none. */
  async next({ books }: Scene): Promise<Alarm | null> {
    this.#known.delete(WECHAT);
    const numbers = [...books.orders.map(({ number }) => number), ...books.wechatOrders.keys()];
    const alarms: Alarm[] = [];
    for (const name of new Set([WECHAT, ...numbers])) {
      const stub = name === WECHAT ? ledger() : objectOf(name);
      const dueAt = this.#known.get(name) ?? (this.#known.has(name) ? null : await alarmOf(stub));
      this.#known.set(name, dueAt);
      if (dueAt !== null) alarms.push({ name, stub, dueAt });
    }
    return alarms.toSorted((a, b) => a.dueAt - b.dueAt)[0] ?? null;
  }
}
