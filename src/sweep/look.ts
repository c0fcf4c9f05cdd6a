import { inTurns } from "../in-turns.ts";
import { describe, log } from "../log.ts";
import type { Rearmed } from "../order/rearm.ts";
import { orderObject } from "../order-stub.ts";

/** Objects that are called side by side. */
const AT_ONCE = 50;
/** What was missing is due within this time, in ms: many at once must hit neither WeChat nor an app. */
const SPREAD_MS = 5 * 60_000;

/** What came of looking after one order. */
export interface Looked {
  readonly number: string;
  readonly outcome: Rearmed | "failed";
}

/** Has each of these orders arm what it lacks. One that fails doesn't keep the others. */
export async function look(env: Env, numbers: readonly string[]): Promise<Looked[]> {
  return await inTurns(numbers, AT_ONCE, async (number) => await lookAt(env, number));
}

async function lookAt(env: Env, number: string): Promise<Looked> {
  try {
    const delayMs = Math.floor(Math.random() * SPREAD_MS);
    const outcome = await orderObject(env, number).rearm(delayMs);
    return { number, outcome: outcome === "unavailable" ? "failed" : outcome };
  } catch (error) {
    log("error", "order_unreachable", { order: number, error: describe(error) });
    return { number, outcome: "failed" };
  }
}
