import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../../testkit/stack/stack.ts";
import type { Chance } from "./random.ts";
import { progress } from "./customer.ts";

/**
 * The gateway lives until it has given so many answers, and so long, ms, beyond that: a kill finds it
 * at work, on a slow machine too. It stays dead so long, beyond its start.
 */
const ANSWERS = [1, 25] as const;
const ALIVE_MS = [0, 400] as const;
/** A net: customers that are all waiting for their apps ask for nothing. */
const MOST_ALIVE_MS = 20_000;
const DEAD_MS = [0, 500] as const;

/** Kills the gateway so often, at random moments of its work, and starts it again on its storage. */
export async function killOften(
  stack: Stack,
  kills: number,
  chance: Chance,
  onKill: (kill: number) => void,
): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    await answersOf(chance.between(...ANSWERS));
    await sleep(chance.between(...ALIVE_MS));
    await stack.killGateway();
    onKill(kill);
    await sleep(chance.between(...DEAD_MS));
    await stack.startGateway();
  }
}

async function answersOf(count: number): Promise<void> {
  const target = progress.answers + count;
  const endAt = Date.now() + MOST_ALIVE_MS;
  while (progress.answers < target && Date.now() < endAt) await sleep(10);
}
