import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { configOf, type Config } from "../../../src/config.ts";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { newMeter } from "../../../src/observability/request-meter.ts";
import { openWork } from "../../../src/settings/work-context.ts";
import { sweep } from "../../../src/sweep/sweep.ts";
import { advance } from "../../support/clock.ts";
import { alarmAt } from "./interpreter.ts";
import { assertInvariant } from "./invariants.ts";
import { ledger, orderObject, type Simulation } from "./simulation.ts";
import { isPaid } from "./snapshot.ts";
import { checkStepInvariants } from "./step-invariants.ts";

/** More alarms than any history needs. */
const MAX_ALARMS = 400;
/** The sweep starts over once a day, so it reaches every order within two days. */
const MAX_SWEEPS = 5;
const SWEEP_INTERVAL_MS = 12 * 3600_000;

/**
 * Runs the simulation to its end after the last step: all faults are cleared, WeChat decides every
 * refund, and the clock advances until no alarm is set.
 */
export async function drain(simulation: Simulation): Promise<void> {
  const config = readConfig();
  simulation.network.clearFaults();
  simulation.apps.clearResponses();
  await ledger().clearFaults();
  await runAllAlarms(simulation);
  checkTimersSufficed(simulation);
  for (let sweeps = 0; isUnfinished(simulation); sweeps += 1) {
    assertInvariant(
      sweeps < MAX_SWEEPS,
      "completion",
      "an order or refund is unfinished, and the sweep doesn't restore it",
    );
    await repeatLateNotifications(simulation);
    advance(SWEEP_INTERVAL_MS);
    await sweep(openWork(env, config, newMeter(env)));
    await checkStepInvariants(simulation);
    await runAllAlarms(simulation);
  }
}

function readConfig(): Config {
  const config = configOf(env);
  if (!config.ok) throw new Error(config.error.join("; "));
  return config.value;
}

/**
 * Timers alone finish every recorded payment and every refund, whatever crashed: the sweep is a
 * backstop. It may be needed for a waiting order only, in two cases: a crash between its answer and
 * its timers; or D1 has the row, but its answer was lost and no app received the order.
 */
function checkTimersSufficed(simulation: Simulation): void {
  const { snapshot, bridges, crashes } = simulation;
  for (const { number, payState } of snapshot.orders.filter(isUnfinishedOrder)) {
    const mayNeedSweep = payState === "waiting" && (crashes > 0 || !bridges.has(number));
    assertInvariant(mayNeedSweep, "I5", `an order is ${payState} and unfinished, without a timer`);
  }
  assertInvariant(
    !snapshot.refunds.some(isUnfinishedRefund),
    "I4",
    "a refund is unfinished, without a timer",
  );
}

/** Whether the sweep or a repeated notification still has to finish something. */
function isUnfinished({ snapshot }: Simulation): boolean {
  const isPaidLate = snapshot.orders.some(
    ({ number, payState }) => payState === "failed" && isPaid(snapshot.wechatOrders.get(number)),
  );
  return (
    isPaidLate ||
    snapshot.orders.some(isUnfinishedOrder) ||
    snapshot.refunds.some(isUnfinishedRefund)
  );
}

function isUnfinishedOrder({ payState, payNotifyState }: OrderRow): boolean {
  return payState === "waiting" || (payState === "paid" && payNotifyState !== "confirmed");
}

function isUnfinishedRefund({ state, notifyState }: RefundRow): boolean {
  return state !== "refused" && notifyState !== "confirmed";
}

/** The gateway doesn't query failed orders: a late payment arrives only as a repeated notification. */
async function repeatLateNotifications({ snapshot }: Simulation): Promise<void> {
  for (const { number, payState } of snapshot.orders) {
    if (payState === "failed") await ledger().notifyPaymentAgain(number);
  }
}

/** Runs the alarms of all objects, earliest first, until none is set. */
async function runAllAlarms(simulation: Simulation): Promise<void> {
  const alarms = new Alarms();
  for (let runs = 0; ; runs += 1) {
    assertInvariant(runs < MAX_ALARMS, "completion", `alarms are still set after ${runs} runs`);
    await decideRefunds(simulation);
    const next = await alarms.earliest(simulation);
    if (next === null) return;
    vi.setSystemTime(Math.max(Date.now(), next.dueAt));
    await runDurableObjectAlarm(next.stub);
    alarms.invalidate(next.name);
    await checkStepInvariants(simulation);
  }
}

/** WeChat decides the refunds that are in progress or abnormal: they succeed and close alternately. */
async function decideRefunds({ snapshot }: Simulation): Promise<void> {
  for (const [index, { number, status }] of [...snapshot.wechatRefunds.values()].entries()) {
    if (status === "SUCCESS" || status === "REFUNDCLOSE") continue;
    const outcome = index % 2 === 0 ? "SUCCESS" : "REFUNDCLOSE";
    await ledger().decideRefund(number, outcome, index % 3 !== 2);
  }
}

const WECHAT = "wechat";

interface Alarm {
  readonly name: string;
  readonly stub: DurableObjectStub;
  readonly dueAt: number;
}

/** A cache of the objects' alarms, which reads only those that may have changed. */
class Alarms {
  readonly #dueAt = new Map<string, number | null>();

  /** Call after an object ran: its alarm may have changed; WeChat's run may change every order's. */
  invalidate(name: string): void {
    if (name === WECHAT) this.#dueAt.clear();
    this.#dueAt.delete(name);
  }

  /** The earliest alarm, or null when none is set. */
  async earliest({ snapshot }: Simulation): Promise<Alarm | null> {
    this.#dueAt.delete(WECHAT);
    const numbers = [
      ...snapshot.orders.map(({ number }) => number),
      ...snapshot.wechatOrders.keys(),
    ];
    const alarms: Alarm[] = [];
    for (const name of new Set([WECHAT, ...numbers])) {
      const stub = name === WECHAT ? ledger() : orderObject(name);
      const dueAt = this.#dueAt.get(name) ?? (this.#dueAt.has(name) ? null : await alarmAt(stub));
      this.#dueAt.set(name, dueAt);
      if (dueAt !== null) alarms.push({ name, stub, dueAt });
    }
    return alarms.toSorted((a, b) => a.dueAt - b.dueAt)[0] ?? null;
  }
}
