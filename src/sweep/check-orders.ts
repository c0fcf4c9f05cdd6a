import { mapInBatches } from "../lib/batches.ts";
import { describe, log } from "../observability/log.ts";
import type { EnsuredTimers } from "../orders/ensure-timers.ts";
import { orderObject } from "../orders/stub.ts";

/** Objects called in parallel. */
const CONCURRENCY = 50;
/**
 * Restored timers are due within this time per checked order, in ms: a few run at once, while many
 * must not call WeChat or an app all at the same time.
 */
const SPREAD_MS = 75;

/** The result of checking one order. */
export interface CheckedOrder {
  readonly number: string;
  readonly outcome: EnsuredTimers | "failed";
}

/** Makes each order arm its missing timers. An order that fails doesn't stop the others. */
export async function checkOrders(env: Env, numbers: readonly string[]): Promise<CheckedOrder[]> {
  const spreadMs = numbers.length * SPREAD_MS;
  return await mapInBatches(numbers, CONCURRENCY, async (number) => {
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
