import { parseArgs } from "node:util";
import { finale, payment, payout, prologue, refund, registration } from "./demo/chapters.ts";
import { startStack } from "../testkit/stack/stack.ts";
import { AppReceiver } from "../testkit/app-receiver.ts";
import type { Protocol } from "../testkit/contract.ts";
import { paint } from "../testkit/terminal.ts";

/**
 * `npm run demo`: the life of one order, between real Workers, told and checked step by step.
 * `npm run demo -- --v3` tells it of a merchant that speaks APIv3.
 */
async function main(protocol: Protocol): Promise<void> {
  const startedAt = Date.now();
  const receiver = await AppReceiver.start();
  try {
    prologue(protocol);
    const stack = await startStack();
    try {
      const story = await registration(stack, receiver, protocol);
      const order = await payment(story);
      const refunded = await refund(story, order);
      await payout(story, order, refunded);
      await finale(story, order);
    } finally {
      await stack.stop();
    }
  } finally {
    await receiver.stop();
  }
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  console.log(`\n${paint(["bold", "green"], "All of it held.")} ${paint("dim", `${seconds} s`)}`);
  console.log(`Next: ${paint("bold", "npm run dev")} to do it by hand.\n`);
}

try {
  const { values } = parseArgs({ options: { v3: { type: "boolean" } } });
  await main(values.v3 === true ? "v3" : "v2");
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`\n${paint(["bold", "red"], "✗ The demo failed.")} ${reason}\n`);
  process.exitCode = 1;
}
