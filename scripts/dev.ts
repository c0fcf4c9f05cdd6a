import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { curlOf, demoApps, readDevelopmentSecrets, type DemoApp } from "./dev/demo-app.ts";
import { printWorkerLog } from "./dev/worker-log.ts";
import { startStack, type Stack } from "../testkit/stack/stack.ts";
import { AppReceiver, type Callback } from "../testkit/app-receiver.ts";
import type { Protocol } from "../testkit/contract.ts";
import { isFree } from "../testkit/stack/ports.ts";
import { ROOT } from "../testkit/stack/project.ts";
import { paint } from "../testkit/terminal.ts";

const GATEWAY_PORT = 8787;
const SANDBOX_PORT = 8788;

/** `npm run dev`: gateway, sandbox and a tiny app for a person, until Ctrl-C. */
async function main(): Promise<void> {
  await demandPorts();
  const secrets = readDevelopmentSecrets();
  const receiver = await AppReceiver.start();
  try {
    let ready = false;
    console.log(paint("dim", "Starting the gateway and the sandbox …"));
    const stack = await startStack({
      gatewayPort: GATEWAY_PORT,
      sandboxPort: SANDBOX_PORT,
      // Where `wrangler dev` and `wrangler d1 execute --local` look too.
      storage: { gateway: stateOf("."), sandbox: stateOf("sandbox") },
      ...secrets,
      onLog: (worker, text) => {
        if (ready) printWorkerLog(worker, text);
      },
    });
    try {
      const apps = await demoApps(stack, receiver.url);
      receiver.onCallback(printCallback);
      console.log(guide(stack, apps));
      ready = true;
      await interrupted();
      console.log(paint("dim", "\nStopping …"));
    } finally {
      await stack.stop();
    }
  } finally {
    await receiver.stop();
  }
}

/** What there is, and what to do next. */
function guide(
  { gatewayUrl, sandboxUrl, adminToken }: Stack,
  { v2: app, v3 }: Readonly<Record<Protocol, DemoApp>>,
): string {
  const page = paint("dim", "in WeChat Pay's place: open it in a browser");
  return `
${paint("bold", "Gateway")}   ${paint("cyan", gatewayUrl)}
${paint("bold", "Sandbox")}   ${paint("cyan", sandboxUrl)}  ${page}
${paint("bold", "App id")}    ${app.id}  ${paint("dim", `and ${v3.id}, of a merchant that speaks APIv3`)}
${paint("bold", "Salt")}      ${app.salt}
${paint("bold", "Admin")}     Authorization: Bearer ${adminToken}

${paint("bold", "1")} Make an order (paste this into another terminal):

${curlOf(gatewayUrl, app)}

${paint("bold", "2")} Open ${paint("cyan", sandboxUrl)} and press pay; the callback appears here.
${paint("bold", "3")} Ctrl-C stops all. What was made stays; to begin anew:
  rm -r .wrangler/state sandbox/.wrangler/state
`;
}

function printCallback({ fields }: Callback): void {
  console.log(`${paint(["bold", "cyan"], "app was called")} ${paint("dim", "→ success")}`);
  for (const [name, value] of Object.entries(fields)) {
    console.log(`  ${paint("dim", name.padEnd(18))} ${value}`);
  }
}

async function interrupted(): Promise<void> {
  await Promise.race(
    ["SIGINT", "SIGTERM", "SIGHUP"].map(async (signal) => await once(process, signal)),
  );
}

async function demandPorts(): Promise<void> {
  for (const port of [GATEWAY_PORT, SANDBOX_PORT]) {
    if (await isFree(port)) continue;
    throw new Error(
      `port ${port} is taken: is another \`npm run dev\` or \`wrangler dev\` running? (\`lsof -i :${port}\` tells)`,
    );
  }
}

function stateOf(worker: string): string {
  const state = path.join(ROOT, worker, ".wrangler/state");
  mkdirSync(state, { recursive: true });
  return state;
}

try {
  await main();
} catch (error) {
  console.error(`${paint(["bold", "red"], "✗")} ${error instanceof Error ? error.message : ""}`);
  process.exitCode = 1;
}
