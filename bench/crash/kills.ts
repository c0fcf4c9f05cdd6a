import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../../scripts/stack.ts";
import type { Chance } from "./chance.ts";

/** The gateway lives so long, ms, before it is killed; and stays dead so long, beyond its start. */
const ALIVE_MS = [200, 3_000] as const;
const DEAD_MS = [0, 500] as const;

/** Kills the gateway so often, at random moments of its work, and starts it again on its storage. */
export async function killOften(
  stack: Stack,
  kills: number,
  chance: Chance,
  onKill: (kill: number) => void,
): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    await sleep(chance.between(...ALIVE_MS));
    await stack.killGateway();
    onKill(kill);
    await sleep(chance.between(...DEAD_MS));
    await stack.startGateway();
  }
}
