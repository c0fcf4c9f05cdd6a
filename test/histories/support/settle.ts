import { runDurableObjectAlarm } from "cloudflare:test";
import { vi } from "vitest";
import { claim } from "./claim.ts";
import { alarmOf } from "./play.ts";
import { ledger, objectOf, type Scene } from "./scene.ts";
import { askAdmin } from "./shop.ts";
import { watch } from "./watch.ts";

/** Far more alarms than any history needs. */
const MOST_ALARMS = 400;

/**
 * The world after the history: nothing fails any more, WeChat decides all refunds, and time goes on
 * until there is nothing left to do.
 */
export async function settle(scene: Scene): Promise<void> {
  scene.wires.heal();
  scene.apps.heal();
  await ledger().clearFaults();
  await runOut(scene);
  if (await resumeLost(scene)) await runOut(scene);
}

/**
 * An order that nobody asks about: a crash came between the order's answer and the arming of its
 * timers, or D1 has the row though its answer was lost, and nobody was sent to pay. The operator's
 * sync stands for the sweep. Returns whether there was one.
 */
async function resumeLost(scene: Scene): Promise<boolean> {
  const lost = scene.books.orders.filter(({ payState }) => payState === "waiting");
  for (const { id, number } of lost) {
    const excused = scene.crashes > 0 || !scene.bridges.has(number);
    claim(excused, "end", "an order waits that nobody asks about");
    await askAdmin(`/orders/${id}/sync`, {});
  }
  await watch(scene);
  return lost.length > 0;
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
