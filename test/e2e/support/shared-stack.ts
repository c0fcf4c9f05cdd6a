import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { startStack } from "../../../testkit/stack/stack.ts";
import { removeFolder, temporaryFolder } from "../../../testkit/stack/leftovers.ts";
import { CANARIES } from "./canaries.ts";
import { hurry, type StackAddress } from "./stack-address.ts";

declare module "vitest" {
  interface ProvidedContext {
    stack: StackAddress;
    /** A file with all that the shared gateway has logged. */
    gatewayLog: string;
  }
}

/** One stack for all test files but those that break it. Tests keep apart by apps of their own. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = temporaryFolder("e2e-");
  // For a look at it afterwards: GATEWAY_LOG=gateway.log npm run test:e2e
  const gatewayLog = path.resolve(process.env["GATEWAY_LOG"] ?? path.join(folder, "gateway.log"));
  writeFileSync(gatewayLog, "");
  const stack = await startStack({
    ...CANARIES,
    onLog: (worker, text) => {
      if (worker === "gateway") appendFileSync(gatewayLog, text);
    },
  });
  await hurry(stack);
  const { gatewayUrl, sandboxUrl, adminToken } = stack;
  project.provide("stack", { gatewayUrl, sandboxUrl, adminToken });
  project.provide("gatewayLog", gatewayLog);
  return async () => {
    await stack.stop();
    removeFolder(folder);
  };
}
