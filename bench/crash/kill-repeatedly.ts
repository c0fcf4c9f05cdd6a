import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../../testkit/stack/stack.ts";
import type { Random } from "./random.ts";
import { requests } from "./customer.ts";

/**
 * The gateway runs until it has answered this many requests, and this many ms longer, so that a kill
 * hits it at work on a slow machine too. Then it is down for this many ms, plus its start.
 */
const ANSWERS = [1, 25] as const;
const RUNNING_MS = [0, 400] as const;
/** Ends the wait when all customers are waiting and send nothing. */
const MAX_RUNNING_MS = 20_000;
const DOWN_MS = [0, 500] as const;

/** Kills the gateway `kills` times, at random moments of its work; restarts it on its storage. */
export async function killRepeatedly(
  stack: Stack,
  kills: number,
  random: Random,
  onKill: () => void,
): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    await waitForAnswers(random.between(...ANSWERS));
    await sleep(random.between(...RUNNING_MS));
    await stack.killGateway();
    onKill();
    await sleep(random.between(...DOWN_MS));
    await stack.startGateway();
  }
}

async function waitForAnswers(count: number): Promise<void> {
  const target = requests.answered + count;
  const endAt = Date.now() + MAX_RUNNING_MS;
  while (requests.answered < target && Date.now() < endAt) await sleep(10);
}
