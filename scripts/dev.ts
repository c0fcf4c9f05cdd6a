import { mkdirSync } from "node:fs";
import path from "node:path";
import { curlOf, demoApp, readDevelopmentSecrets } from "./dev/demo-app.ts";
import { printWorkerLog } from "./dev/worker-log.ts";
import { startStack } from "./stack.ts";
import { AppReceiver } from "./support/app-receiver.ts";
import { isFree } from "./support/ports.ts";
import { ROOT } from "./support/project.ts";
import { paint } from "./support/terminal.ts";

const GATEWAY_PORT = 8787;
const SANDBOX_PORT = 8788;

/** `npm run dev`: gateway, sandbox and a tiny app for a person, until Ctrl-C. */
async function main(): Promise<void> {
  await demandPorts();
  const secrets = readDevelopmentSecrets();
  const receiver = await AppReceiver.start();
  console.log(paint("dim", "Starting the gateway and the sandbox …"));
  let ready = false;
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
  const app = await demoApp(stack, receiver.url);
  receiver.onCallback(({ fields }) => {
    console.log(`${paint(["bold", "cyan"], "app was called")} ${paint("dim", "→ success")}`);
    for (const [name, value] of Object.entries(fields)) {
      console.log(`  ${paint("dim", name.padEnd(18))} ${value}`);
    }
  });
  console.log(`
${paint("bold", "Gateway")}   ${paint("cyan", stack.gatewayUrl)}
${paint("bold", "Sandbox")}   ${paint("cyan", stack.sandboxUrl)}  ${paint("dim", "stands in for WeChat Pay: open it in a browser")}
${paint("bold", "App id")}    ${app.id}
${paint("bold", "Salt")}      ${app.salt}
${paint("bold", "Admin")}     Authorization: Bearer ${secrets.adminToken}

${paint("bold", "1")} Make an order (paste this into another terminal):

${curlOf(stack.gatewayUrl, app)}

${paint("bold", "2")} Open ${paint("cyan", stack.sandboxUrl)} and press pay: the callback to the app appears here.
${paint("bold", "3")} Ctrl-C stops all. What was made stays; delete .wrangler/state and sandbox/.wrangler/state to begin anew.
`);
  ready = true;
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
