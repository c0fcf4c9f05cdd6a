import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeFolder, temporaryFolder } from "./leftovers.ts";
import { migrate } from "./migrate.ts";
import { freePorts, PortTakenError, startOnFreePorts } from "./ports.ts";
import { WorkerProcess, type WorkerOptions } from "./worker-process.ts";

export interface StackOptions {
  /** Exactly this port, or `startStack` throws; any free one when left out. */
  readonly gatewayPort?: number;
  /** Tried first; any free one when left out or taken. */
  readonly sandboxPort?: number;
  /** Where each Worker keeps its storage; a temporary folder, removed at the end, when left out. */
  readonly storage?: { readonly gateway: string; readonly sandbox: string };
  readonly adminToken?: string;
  /** Base64 of 32 bytes. */
  readonly masterKey?: string;
  /** More variables of the gateway. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly onLog?: (worker: "gateway" | "sandbox", text: string) => void;
}

/** How to reach a running stack: all that its clients need, and safe to send to another process. */
export interface StackAddress {
  readonly gatewayUrl: string;
  readonly sandboxUrl: string;
  readonly adminToken: string;
}

/** The gateway and the sandbox, running as two real Workers that know each other. */
export interface Stack extends StackAddress {
  /** Everything that the gateway has logged, restarts included. */
  gatewayLog(): string;
  sandboxLog(): string;
  /** A power cut: work in progress stops where it is, and no shutdown code runs. */
  killGateway(): Promise<void>;
  /** Starts the gateway again on the same port and storage. */
  startGateway(): Promise<void>;
  /** Stops both and removes temporary files. */
  stop(): Promise<void>;
}

interface Ports {
  readonly gateway: number;
  readonly sandbox: number;
}

interface Pair {
  readonly gateway: WorkerProcess;
  readonly sandbox: WorkerProcess;
  readonly gatewayOptions: WorkerOptions;
}

/** For local stacks of one run; development has its own in `.dev.vars`. */
const ADMIN_TOKEN = "admin-token-of-a-local-stack";
const MASTER_KEY = Buffer.from("master-key-of-a-local-stack-only").toString("base64");

/** The gateway's port is part of every notification URL, so a restart has to wait for that one. */
const MAX_RESTARTS = 20;
const RESTART_PAUSE_MS = 500;

/** Starts a stack; resolves when both Workers are healthy. Throws with the log's tail otherwise. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = temporaryFolder("wechat-pay-gateway-");
  const storage = options.storage ?? {
    gateway: path.join(folder, "gateway"),
    sandbox: path.join(folder, "sandbox"),
  };
  const adminToken = options.adminToken ?? ADMIN_TOKEN;
  let migrated: Promise<void> | undefined;
  let pair: Pair;
  try {
    pair = await startOnFreePorts(portChooser(options), async (ports) => {
      // Once, however many sets of ports it takes.
      migrated ??= migrate(storage.gateway, folder);
      const workers = workerOptions(ports, folder, storage, adminToken, options);
      return await startPair(workers, migrated, options.gatewayPort);
    });
  } catch (error) {
    removeFolder(folder);
    throw error;
  }

  const { sandbox, gatewayOptions } = pair;
  let { gateway } = pair;
  let earlierLog = "";
  return {
    gatewayUrl: gateway.url,
    sandboxUrl: sandbox.url,
    adminToken,
    gatewayLog: () => earlierLog + gateway.log(),
    sandboxLog: () => sandbox.log(),
    killGateway: async () => await gateway.crash(),
    startGateway: async () => {
      earlierLog += gateway.log();
      gateway = await restart(gatewayOptions);
    },
    stop: async () => {
      await Promise.all([gateway.stop(), sandbox.stop()]);
      removeFolder(folder);
    },
  };
}

/** Chooses the ports of each attempt. A sandbox port that was asked for is tried once. */
function portChooser({ gatewayPort, sandboxPort }: StackOptions): () => Promise<Ports> {
  let preferred = sandboxPort === gatewayPort ? undefined : sandboxPort;
  return async () => {
    const [gatewayFree = 0, sandboxFree = 0] = await freePorts(2);
    const ports = { gateway: gatewayPort ?? gatewayFree, sandbox: preferred ?? sandboxFree };
    preferred = undefined;
    return ports;
  };
}

function workerOptions(
  ports: Ports,
  scratch: string,
  storage: { readonly gateway: string; readonly sandbox: string },
  adminToken: string,
  options: StackOptions,
): Readonly<Record<"gateway" | "sandbox", WorkerOptions>> {
  return {
    gateway: {
      name: "the gateway",
      config: "wrangler.toml",
      port: ports.gateway,
      persistTo: storage.gateway,
      scratch,
      vars: {
        PUBLIC_URL: `http://127.0.0.1:${ports.gateway}`,
        WECHAT_PAY_URL: `http://127.0.0.1:${ports.sandbox}`,
        ADMIN_TOKEN: adminToken,
        MASTER_KEY: options.masterKey ?? MASTER_KEY,
        ...options.vars,
      },
      onLog: (text) => options.onLog?.("gateway", text),
    },
    sandbox: {
      name: "the sandbox",
      config: "sandbox/wrangler.toml",
      port: ports.sandbox,
      persistTo: storage.sandbox,
      scratch,
      vars: {},
      onLog: (text) => options.onLog?.("sandbox", text),
    },
  };
}

/**
 * Starts both, the sandbox while the gateway's database is migrated; both run, or none does. Throws
 * a `PortTakenError` only for a port that may be replaced, which `fixedPort` may not.
 */
async function startPair(
  options: Readonly<Record<"gateway" | "sandbox", WorkerOptions>>,
  migrated: Promise<void>,
  fixedPort: number | undefined,
): Promise<Pair> {
  const [sandbox, gateway] = await Promise.allSettled([
    WorkerProcess.start(options.sandbox),
    migrated.then(async () => await WorkerProcess.start(options.gateway)),
  ]);
  if (sandbox.status === "fulfilled" && gateway.status === "fulfilled") {
    return { sandbox: sandbox.value, gateway: gateway.value, gatewayOptions: options.gateway };
  }
  const errors: unknown[] = [];
  for (const start of [sandbox, gateway]) {
    if (start.status === "fulfilled") await start.value.stop();
    else errors.push(start.reason);
  }
  const taken = errors.filter(isTaken);
  const fixed = taken.find(({ port }) => port === fixedPort);
  if (fixed !== undefined) throw new Error(`${fixed.message} by another program`, { cause: fixed });
  throw taken[0] ?? new AggregateError(errors, errors.map(String).join("\n"));
}

function isTaken(error: unknown): error is PortTakenError {
  return error instanceof PortTakenError;
}

/** Starts the gateway on the port that it had, as soon as that is free again. */
async function restart(options: WorkerOptions): Promise<WorkerProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await WorkerProcess.start(options);
    } catch (error) {
      if (!isTaken(error) || attempt === MAX_RESTARTS) throw error;
      await sleep(RESTART_PAUSE_MS);
    }
  }
}
