import { mapInBatches } from "../lib/batches.ts";
import { describe, log } from "../observability/log.ts";
import type { EnsuredTimers } from "../orders/ensure-timers.ts";
import { orderObject } from "../orders/stub.ts";

/** Objects that are called side by side. */
const AT_ONCE = 50;
/**
 * What was missing is due within this time for each order that is looked at, in ms: a few are seen to
 * at once, and many must hit neither WeChat nor an app together.
 */
const SPREAD_MS = 75;

/** What came of looking after one order. */
export interface CheckedOrder {
  readonly number: string;
  readonly outcome: EnsuredTimers | "failed";
}

/** Has each of these orders arm what it lacks. One that fails doesn't keep the others. */
export async function checkOrders(env: Env, numbers: readonly string[]): Promise<CheckedOrder[]> {
  const spreadMs = numbers.length * SPREAD_MS;
  return await mapInBatches(numbers, AT_ONCE, async (number) => {
    return await checkOrder(env, number, Math.floor(Math.random() * spreadMs));
  });
}

async function checkOrder(env: Env, number: string, delayMs: number): Promise<CheckedOrder> {
  try {
    const outcome = await orderObject(env, number).ensureTimers(delayMs);
    return { number, outcome: outcome === "unavailable" ? "failed" : outcome };
  } catch (error) {
    log("error", "order_unreachable", { order: number, error: describe(error) });
    return { number, outcome: "failed" };
  }
}
