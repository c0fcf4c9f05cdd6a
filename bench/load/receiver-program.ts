import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { isCallbackSigned, isWebhookSigned } from "../../testkit/app-signature.ts";
import { portOf } from "../../testkit/stack/ports.ts";
import type { Heard, Keys } from "./receiver-process.ts";

/**
 * The server of all apps, in a process of its own: verifies each callback as it comes, confirms it
 * and remembers it. `POST /keys` takes an app's keys, `GET /heard?from=n` tells what came. Prints its
 * port and ends with its parent.
 */
const keys = new Map<string, Keys>();
const heard: Heard[] = [];

const server = createServer((request, response) => {
  receive(request, response).catch((error: unknown) => {
    response.destroy(error instanceof Error ? error : new Error(String(error)));
  });
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const url = new URL(request.url ?? "/", "http://receiver");
  switch (url.pathname) {
    case "/keys": {
      const told: Keys & { readonly appId: number } = JSON.parse(body);
      keys.set(String(told.appId), told);
      break;
    }
    case "/heard":
      response.end(JSON.stringify(heard.slice(Number(url.searchParams.get("from")))));
      return;
    case "/floor":
      break;
    default:
      hear(url.pathname, body, request.headers);
  }
  response.end("success");
}

function hear(path: string, body: string, headers: NodeJS.Dict<string | string[]>): void {
  const known = keys.get(path.split("/")[1] ?? "");
  heard.push({
    path,
    fields: Object.fromEntries(new URLSearchParams(body)),
    signed: known !== undefined && isCallbackSigned(body, known.salt),
    webhookSigned: known !== undefined && isWebhookSigned(headers, body, known.webhookSecret),
  });
}

// workerd keeps connections; one that closes under a call would count as a call that failed.
server.keepAliveTimeout = 3600_000;
server.listen(0, "127.0.0.1", () => process.send?.(portOf(server)));
process.once("disconnect", () => process.exit());
