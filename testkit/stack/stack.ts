import path from "node:path";
import { removeFolder, temporaryFolder } from "./leftovers.ts";
import { migrate } from "./migrate.ts";
import { freePorts } from "./ports.ts";
import { WorkerProcess, type WorkerOptions } from "./worker-process.ts";

export interface StackOptions {
  /** Free ones when left out. */
  readonly gatewayPort?: number;
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

/** The gateway and the sandbox, running as two real Workers that know each other. */
export interface Stack {
  readonly gatewayUrl: string;
  readonly sandboxUrl: string;
  readonly adminToken: string;
  /** All that the gateway has logged, over its restarts. */
  gatewayLog(): string;
  sandboxLog(): string;
  /** As a power cut: nothing is finished, nothing is told. */
  killGateway(): Promise<void>;
  /** Starts the gateway again on the same port and storage. */
  startGateway(): Promise<void>;
  /** Ends both and removes what was temporary. */
  stop(): Promise<void>;
}

/** Good for one machine and one run; development has its own in `.dev.vars`. */
const ADMIN_TOKEN = "admin-token-of-a-local-stack";
const MASTER_KEY = Buffer.from("master-key-of-a-local-stack-only").toString("base64");

/** Starts a stack; resolves when both Workers are healthy. Throws with the log's tail otherwise. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const folder = temporaryFolder("wechat-pay-gateway-");
  const storage = options.storage ?? {
    gateway: path.join(folder, "gateway"),
    sandbox: path.join(folder, "sandbox"),
  };
  const [gatewayFree = 0, sandboxFree = 0] = await freePorts(2);
  const sandboxPort = options.sandboxPort ?? sandboxFree;
  const gatewayPort = options.gatewayPort ?? gatewayFree;
  const gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const adminToken = options.adminToken ?? ADMIN_TOKEN;

  const gatewayOptions: WorkerOptions = {
    name: "the gateway",
    config: "wrangler.toml",
    port: gatewayPort,
    persistTo: storage.gateway,
    scratch: folder,
    vars: {
      PUBLIC_URL: gatewayUrl,
      WECHAT_PAY_URL: sandboxUrl,
      ADMIN_TOKEN: adminToken,
      MASTER_KEY: options.masterKey ?? MASTER_KEY,
      ...options.vars,
    },
    onLog: (text) => options.onLog?.("gateway", text),
  };
  const sandboxOptions: WorkerOptions = {
    name: "the sandbox",
    config: "sandbox/wrangler.toml",
    port: sandboxPort,
    persistTo: storage.sandbox,
    scratch: folder,
    vars: {},
    onLog: (text) => options.onLog?.("sandbox", text),
  };

  // The sandbox comes up while the gateway's database is made.
  const starting = await Promise.allSettled([
    WorkerProcess.start(sandboxOptions),
    migrate(storage.gateway, folder).then(async () => await WorkerProcess.start(gatewayOptions)),
  ]);
  const running = starting.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const [sandbox, first] = running;
  if (sandbox === undefined || first === undefined) {
    await Promise.all(running.map(async (worker) => await worker.stop()));
    removeFolder(folder);
    const faults = starting.flatMap((start) => (start.status === "rejected" ? [start.reason] : []));
    throw new AggregateError(faults, faults.map(String).join("\n"));
  }

  let gateway = first;
  let earlierLog = "";
  return {
    gatewayUrl,
    sandboxUrl,
    adminToken,
    gatewayLog: () => earlierLog + gateway.log(),
    sandboxLog: () => sandbox.log(),
    killGateway: async () => await gateway.crash(),
    startGateway: async () => {
      earlierLog += gateway.log();
      gateway = await WorkerProcess.start(gatewayOptions);
    },
    stop: async () => {
      await Promise.all([gateway.stop(), sandbox.stop()]);
      removeFolder(folder);
    },
  };
}
