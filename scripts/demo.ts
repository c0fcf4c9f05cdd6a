import { parseArgs } from "node:util";
import {
  introduction,
  payment,
  refund,
  refundOutcome,
  registration,
  summary,
} from "./demo/chapters.ts";
import { startStack } from "../testkit/stack/stack.ts";
import { AppReceiver } from "../testkit/app-receiver.ts";
import type { Protocol } from "../testkit/contract.ts";
import { paint } from "../testkit/terminal.ts";

/**
 * `npm run demo`: one order from creation to refund, between real Workers, shown and checked step by
 * step. `npm run demo -- --v3` does it for a merchant that uses APIv3.
 */
async function main(protocol: Protocol): Promise<void> {
  const startedAt = Date.now();
  const receiver = await AppReceiver.start();
  try {
    introduction(protocol);
    const stack = await startStack();
    try {
      const demo = await registration(stack, receiver, protocol);
      const order = await payment(demo);
      const refunded = await refund(demo, order);
      await refundOutcome(demo, order, refunded);
      await summary(demo, order);
    } finally {
      await stack.stop();
    }
  } finally {
    await receiver.stop();
  }
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
  console.log(
    `\n${paint(["bold", "green"], "Every check passed.")} ${paint("dim", `${seconds} s`)}`,
  );
  console.log(`Next: ${paint("bold", "npm run dev")} to try it yourself.\n`);
}

try {
  const { values } = parseArgs({ options: { v3: { type: "boolean" } } });
  await main(values.v3 === true ? "v3" : "v2");
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`\n${paint(["bold", "red"], "✗ The demo failed.")} ${reason}\n`);
  process.exitCode = 1;
}
