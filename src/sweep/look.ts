import { inTurns } from "../in-turns.ts";
import { describe, log } from "../log.ts";
import type { Rearmed } from "../order/rearm.ts";
import { orderObject } from "../order-stub.ts";

/** Objects that are called side by side. */
const AT_ONCE = 50;
/**
 * What was missing is due within this time for each order that is looked at, in ms: a few are seen to
 * at once, and many must hit neither WeChat nor an app together.
 */
const SPREAD_MS = 75;

/** What came of looking after one order. */
export interface Looked {
  readonly number: string;
  readonly outcome: Rearmed | "failed";
}

/** Has each of these orders arm what it lacks. One that fails doesn't keep the others. */
export async function look(env: Env, numbers: readonly string[]): Promise<Looked[]> {
  const spreadMs = numbers.length * SPREAD_MS;
  return await inTurns(numbers, AT_ONCE, async (number) => {
    return await lookAt(env, number, Math.floor(Math.random() * spreadMs));
  });
}

async function lookAt(env: Env, number: string, delayMs: number): Promise<Looked> {
  try {
    const outcome = await orderObject(env, number).rearm(delayMs);
    return { number, outcome: outcome === "unavailable" ? "failed" : outcome };
  } catch (error) {
    log("error", "order_unreachable", { order: number, error: describe(error) });
    return { number, outcome: "failed" };
  }
}
