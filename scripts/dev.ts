import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { curlOf, demoApps, readDevelopmentSecrets, type DemoApp } from "./dev/demo-app.ts";
import { printWorkerLog } from "./dev/worker-log.ts";
import { parsePort } from "./dev/port.ts";
import { startStack, type Stack } from "../testkit/stack/stack.ts";
import { AppReceiver, type Callback } from "../testkit/app-receiver.ts";
import type { Protocol } from "../testkit/contract.ts";
import { isFree } from "../testkit/stack/ports.ts";
import { ROOT } from "../testkit/stack/project.ts";
import { paint } from "../testkit/terminal.ts";

const GATEWAY_PORT = 8787;
const SANDBOX_PORT = 8788;

/**
 * `npm run dev`: gateway, sandbox and a small app for a person, until Ctrl-C. `-- --port 9000` puts
 * the gateway on another port. The sandbox takes any port if its own is taken.
 */
async function main(gatewayPort: number): Promise<void> {
  await assertFree(gatewayPort);
  const secrets = readDevelopmentSecrets();
  const storage = {
    gateway: storageFolder(".", gatewayPort),
    sandbox: storageFolder("sandbox", gatewayPort),
  };
  const receiver = await AppReceiver.start();
  try {
    let ready = false;
    console.log(paint("dim", "Starting the gateway and the sandbox …"));
    const stack = await startStack({
      gatewayPort,
      sandboxPort: SANDBOX_PORT,
      storage,
      ...secrets,
      onLog: (worker, text) => {
        if (ready) printWorkerLog(worker, text);
      },
    });
    try {
      const apps = await demoApps(stack, receiver.url);
      receiver.onCallback(printCallback);
      console.log(guide(stack, apps, Object.values(storage)));
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

/** The addresses and secrets, and what to do next. */
function guide(
  { gatewayUrl, sandboxUrl, adminToken }: Stack,
  { v2: app, v3 }: Readonly<Record<Protocol, DemoApp>>,
  storage: readonly string[],
): string {
  const page = paint("dim", "simulates WeChat Pay: open it in a browser");
  const folders = storage.map((folder) => path.relative(process.cwd(), folder)).join(" ");
  return `
${paint("bold", "Gateway")}   ${paint("cyan", gatewayUrl)}
${paint("bold", "Sandbox")}   ${paint("cyan", sandboxUrl)}  ${page}
${paint("bold", "App id")}    ${app.id}  ${paint("dim", `and ${v3.id}, of a merchant that uses APIv3`)}
${paint("bold", "Salt")}      ${app.salt}
${paint("bold", "Admin")}     Authorization: Bearer ${adminToken}

${paint("bold", "1")} Create an order (paste this into another terminal):

${curlOf(gatewayUrl, app)}

${paint("bold", "2")} Open ${paint("cyan", sandboxUrl)} and press pay; the callback appears here.
${paint("bold", "3")} Ctrl-C stops everything. The data is kept; to start over:
  rm -r ${folders}
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

async function assertFree(port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new Error(
    `port ${port} is taken. \`lsof -i :${port}\` shows by which program; \`npm run dev -- --port 9000\` uses another port.`,
  );
}

/**
 * A folder for each port, so that two stacks never share one. The usual port's is where `wrangler
 * dev` and `wrangler d1 execute --local` look too.
 */
function storageFolder(worker: string, port: number): string {
  const name = port === GATEWAY_PORT ? "state" : `state-${port}`;
  const folder = path.join(ROOT, worker, ".wrangler", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

try {
  await main(parsePort(process.argv.slice(2), GATEWAY_PORT));
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(`${paint(["bold", "red"], "✗")} ${reason}`);
  process.exitCode = 1;
}
