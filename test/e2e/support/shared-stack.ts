import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { SandboxClient } from "../../../testkit/sandbox-client.ts";
import { removeFolder, temporaryFolder } from "../../../testkit/stack/leftovers.ts";
import { startStack, type StackAddress } from "../../../testkit/stack/stack.ts";
import { CANARIES } from "./canaries.ts";

declare module "vitest" {
  interface ProvidedContext {
    stack: StackAddress;
    /** A file with everything that the shared gateway has logged. */
    gatewayLog: string;
  }
}

/** One stack for all test files but those that break it. Each test has an app of its own. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = temporaryFolder("e2e-");
  // To read it afterwards: GATEWAY_LOG=gateway.log npm run test:e2e
  const gatewayLog = path.resolve(process.env["GATEWAY_LOG"] ?? path.join(folder, "gateway.log"));
  writeFileSync(gatewayLog, "");
  const stack = await startStack({
    ...CANARIES,
    onLog: (worker, text) => {
      if (worker === "gateway") appendFileSync(gatewayLog, text);
    },
  });
  await removeWechatDelays(stack);
  const { gatewayUrl, sandboxUrl, adminToken } = stack;
  project.provide("stack", { gatewayUrl, sandboxUrl, adminToken });
  project.provide("gatewayLog", gatewayLog);
  return async () => {
    await stack.stop();
    removeFolder(folder);
  };
}

/** Takes WeChat's delays out of the sandbox: its own tests check them. */
export async function removeWechatDelays({ sandboxUrl }: StackAddress): Promise<void> {
  await new SandboxClient(sandboxUrl).change({
    // The first repeat comes after 0.15 s.
    notifyScale: 0.01,
    closeAfterMs: 0,
    refundSpacingMs: 0,
  });
}
