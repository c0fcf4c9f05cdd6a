import { vi } from "vitest";
import { drain } from "./drain.ts";
import { checkFinalState } from "./final-state.ts";
import { interpret } from "./interpreter.ts";
import { startSimulation } from "./simulation.ts";
import { checkStepInvariants } from "./step-invariants.ts";
import type { History } from "./steps.ts";

/** How often each step and each outcome occurred over all histories: shows what they cover. */
export const coverage = new Map<string, number>();

/** Runs a history. Throws when an invariant is broken, with its number and the step. */
export async function runHistory({ signType, steps }: History): Promise<void> {
  const simulation = await startSimulation(signType);
  let phase = "before the first step";
  try {
    for (const [index, step] of steps.entries()) {
      phase = `at step ${index + 1} (${step.type})`;
      await interpret(simulation, step);
      await checkStepInvariants(simulation);
    }
    phase = "while draining";
    await drain(simulation);
    phase = "in the final state";
    await checkFinalState(simulation);
    count(simulation.snapshot.orders.map(({ payState }) => `order ${payState}`));
    count(simulation.snapshot.refunds.map(({ state }) => `refund ${state}`));
    count(simulation.apps.calls.map(({ event }) => `call ${event}`));
    count(steps.map((step) => `step ${step.type}`));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message} — ${phase}`, { cause: error });
  } finally {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
}

function count(names: readonly string[]): void {
  for (const name of names) coverage.set(name, (coverage.get(name) ?? 0) + 1);
}
