import { createServer, type Server } from "node:net";

/** A port was free when it was chosen, and another program has bound it since. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly port: number;

  constructor(port: number, options?: ErrorOptions) {
    super(`port ${port} is taken`, options);
    this.port = port;
  }
}

/**
 * Below the ports that Linux (32768), macOS and Windows (49152) give to outgoing connections: any
 * connection of any program could take one of those between two starts of a Worker.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_767;

/** How many sets of ports are tried. Losing the race twice in a row is unlikely already. */
const MAX_ATTEMPTS = 5;

/** How many random ports are tried for each one that is needed. */
const MAX_PROBES = 200;

/**
 * Starts something on ports that are free now. A child process binds them itself, a moment later,
 * so another program can be faster: `start` then throws a `PortTakenError` and is called again with
 * other ports. Any other error, and the last attempt's, is thrown.
 *
 * @param choosePorts called once for each attempt
 */
export async function startOnFreePorts<Ports, T>(
  choosePorts: () => Promise<Ports>,
  start: (ports: Ports) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts();
    try {
      return await start(ports);
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Free loopback ports, all different: each is held until all are found. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  for (let probe = 0; servers.length < count; probe += 1) {
    if (probe > count * MAX_PROBES) throw new Error("no free port found");
    const server = await tryListen(randomPort());
    if (server !== null) servers.push(server);
  }
  const ports = servers.map(portOf);
  await Promise.all(servers.map(close));
  return ports;
}

/** Whether a loopback port can be bound. */
export async function isFree(port: number): Promise<boolean> {
  const server = await tryListen(port);
  if (server === null) return false;
  await close(server);
  return true;
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}

function randomPort(): number {
  return FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
}

/** A server on this port; null when the port is taken. */
async function tryListen(port: number): Promise<Server | null> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(null);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
