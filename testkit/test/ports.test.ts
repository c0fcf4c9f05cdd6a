import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test, type TestContext } from "vitest";
import { parsePort } from "../../scripts/dev/port.ts";
import { removeFolder, temporaryFolder } from "../stack/leftovers.ts";
import { freePorts, isFree, PortTakenError, portOf, startOnFreePorts } from "../stack/ports.ts";
import { ROOT } from "../stack/project.ts";
import { startStack } from "../stack/stack.ts";
import { WorkerProcess } from "../stack/worker-process.ts";

/** Another program: a server that answers every request like a healthy Worker. */
async function otherProgram(t: TestContext): Promise<{ server: Server; port: number }> {
  const [port = 0] = await freePorts(1);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  t.onTestFinished(() => void server.close());
  return { server, port };
}

/** Runs `npm run dev` with these arguments to its end. */
async function runDev(...args: string[]): Promise<{ code: unknown; errors: string }> {
  const child = spawn(process.execPath, [path.join(ROOT, "scripts/dev.ts"), ...args], {
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [[code], errors] = await Promise.all([once(child, "exit"), text(child.stderr)]);
  return { code, errors };
}

describe("startOnFreePorts", () => {
  test("tries other ports when one was taken after it had been chosen", async () => {
    const offered = [1, 2, 3];
    const started = await startOnFreePorts(
      async () => offered.shift() ?? 0,
      async (port) => {
        if (port < 3) throw new PortTakenError(port);
        return port;
      },
    );
    expect(started).toBe(3);
  });

  test("gives up after five attempts", async () => {
    let attempts = 0;
    const starting = startOnFreePorts(
      async () => 1,
      async (port) => {
        attempts += 1;
        throw new PortTakenError(port);
      },
    );
    await expect(starting).rejects.toThrow(PortTakenError);
    expect(attempts).toBe(5);
  });

  test("doesn't repeat after any other error", async () => {
    let attempts = 0;
    const starting = startOnFreePorts(
      async () => 1,
      async () => {
        attempts += 1;
        throw new Error("no such file");
      },
    );
    await expect(starting).rejects.toThrow("no such file");
    expect(attempts).toBe(1);
  });
});

describe("freePorts", () => {
  test("returns different ports, which are free", async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    for (const port of ports) expect(await isFree(port)).toBe(true);
  });

  test("avoids the range of outgoing connections", async () => {
    const ports = await freePorts(20);
    expect(ports.filter((port) => port >= 32_768)).toEqual([]);
  });
});

describe("WorkerProcess", () => {
  test("throws PortTakenError when another program answers on its port", async (t) => {
    const { server, port } = await otherProgram(t);
    const scratch = temporaryFolder("ports-test-");
    t.onTestFinished(() => removeFolder(scratch));
    const starting = WorkerProcess.start({
      name: "the sandbox",
      config: "sandbox/wrangler.toml",
      port,
      persistTo: path.join(scratch, "sandbox"),
      scratch,
      vars: {},
    });
    await expect(starting).rejects.toMatchObject({ name: "PortTakenError", port });
    expect(portOf(server)).toBe(port);
  });
});

describe("startStack", () => {
  test("starts the sandbox on another port when the preferred one is taken", async (t) => {
    const { port } = await otherProgram(t);
    const stack = await startStack({ sandboxPort: port });
    t.onTestFinished(async () => await stack.stop());
    expect(new URL(stack.sandboxUrl).port).not.toBe(String(port));
    const response = await fetch(`${stack.gatewayUrl}/health`);
    expect(response.status).toBe(200);
  });

  test("throws when the gateway's port is fixed and taken", async (t) => {
    const { port } = await otherProgram(t);
    const starting = startStack({ gatewayPort: port });
    await expect(starting).rejects.toThrow(`port ${port} is taken by another program`);
  });
});

describe("npm run dev -- --port", () => {
  test("is the usual port when left out", () => {
    expect(parsePort([], 8787)).toBe(8787);
    expect(parsePort(["--port", "9000"], 8787)).toBe(9000);
    expect(parsePort(["--port=65535"], 8787)).toBe(65_535);
  });

  test.for(["abc", "0", "65536", "90.5", "-1", "", "0x50", "9e3"])("refuses %j", (value) => {
    expect(() => parsePort([`--port=${value}`], 8787)).toThrow("not a number from 1 to 65535");
  });

  test("ends with an error that shows a value which is no port", async () => {
    const { code, errors } = await runDev("--port", "abc");
    expect(code).toBe(1);
    expect(errors).toContain("--port abc: not a number from 1 to 65535");
  });

  test("ends with an error that shows a taken port", async (t) => {
    const { port } = await otherProgram(t);
    const { code, errors } = await runDev("--port", String(port));
    expect(code).toBe(1);
    expect(errors).toContain(`port ${port} is taken`);
  });
});
