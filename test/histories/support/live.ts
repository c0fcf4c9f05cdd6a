import { vi } from "vitest";
import { judgeEnd } from "./final.ts";
import { play } from "./play.ts";
import { openScene } from "./scene.ts";
import { settle } from "./settle.ts";
import type { History } from "./steps.ts";
import { watch } from "./watch.ts";

/** What happened over all histories, to see that they reach everywhere. */
export const tally = new Map<string, number>();

/** Lives through a history. Throws when an invariant doesn't hold, naming it and the step. */
export async function live({ signType, steps }: History): Promise<void> {
  const scene = await openScene(signType);
  let at = "before the first step";
  try {
    for (const [index, step] of steps.entries()) {
      at = `at step ${index + 1} (${step.do})`;
      await play(scene, step);
      await watch(scene);
    }
    at = "while the world settled";
    await settle(scene);
    at = "in the end";
    await judgeEnd(scene);
    count(scene.books.orders.map(({ payState }) => `order ${payState}`));
    count(scene.books.refunds.map(({ state }) => `refund ${state}`));
    count(scene.apps.calls.map(({ event }) => `call ${event}`));
    count(steps.map((step) => `step ${step.do}`));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`${words} — ${at}`, { cause: error });
  } finally {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
}

function count(names: readonly string[]): void {
  for (const name of names) tally.set(name, (tally.get(name) ?? 0) + 1);
}
