import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../eventually.ts";
import { killGroup, trackGroup } from "./leftovers.ts";
import { PortTakenError } from "./ports.ts";
import { signalGroup } from "./process-group.ts";
import { quietEnvironment, ROOT, WRANGLER } from "./project.ts";

/** On two busy cores a start takes 10 s at most. */
const START_TIMEOUT_MS = 60_000;
/** How long wrangler may take to end by itself. */
const STOP_TIMEOUT_MS = 5_000;
/** How long the last output of a process that has ended may take to arrive. */
const OUTPUT_TIMEOUT_MS = 1_000;
const HEALTH_TIMEOUT_MS = 2_000;
const LOG_TAIL_LINES = 40;

/** wrangler's words when the port can't be bound; it then ends with exit code 1. */
const PORT_TAKEN = /Address already in use|EADDRINUSE/;

export interface WorkerOptions {
  /** For messages. */
  readonly name: string;
  /** The Worker's wrangler.toml, from the repository's folder. */
  readonly config: string;
  readonly port: number;
  readonly persistTo: string;
  /** A folder for wrangler's temporary files. */
  readonly scratch: string;
  /** Override the ones in wrangler.toml and `.dev.vars`. */
  readonly vars: Readonly<Record<string, string>>;
  /** Receives each piece of the log as it is written. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/** A Worker run by the project's own `wrangler dev`, in a process group of its own. */
export class WorkerProcess {
  readonly url: string;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #leader: number;
  #log = "";

  /**
   * Starts a Worker; resolves when it has bound its port and its /health answers 200. Throws a
   * `PortTakenError` when another program has the port, otherwise an error with the log's tail.
   */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    try {
      await eventually(
        `${options.name} to be healthy`,
        async () => await worker.#health(),
        START_TIMEOUT_MS,
      );
      return worker;
    } catch (error) {
      await worker.stop();
      await Promise.race([worker.#closed, sleep(OUTPUT_TIMEOUT_MS, undefined, { ref: false })]);
      if (PORT_TAKEN.test(worker.#log)) throw new PortTakenError(options.port, { cause: error });
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${options.name} did not start: ${reason}\n${worker.logTail()}`, {
        cause: error,
      });
    }
  }

  private constructor(options: WorkerOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    this.#name = options.name;
    this.#child = spawn(process.execPath, [WRANGLER, ...argumentsOf(options)], {
      cwd: ROOT,
      // A group of its own, so that wrangler's children can be reached too.
      detached: true,
      env: quietEnvironment(options.scratch),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#closed = once(this.#child, "close");
    if (this.#child.pid === undefined) throw new Error(`${options.name}: wrangler can't be run`);
    this.#leader = this.#child.pid;
    trackGroup(this.#leader);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#log += text;
        options.onLog?.(text);
      });
    }
  }

  /** Everything that the Worker and wrangler have written so far. */
  log(): string {
    return this.#log;
  }

  logTail(): string {
    return this.#log.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n");
  }

  /** Asks the Worker to end, and kills it if that takes too long. */
  async stop(): Promise<void> {
    if (this.#isRunning()) {
      signalGroup(this.#leader, "SIGTERM");
      const timeout = sleep(STOP_TIMEOUT_MS, undefined, { ref: false });
      await Promise.race([once(this.#child, "exit"), timeout]);
    }
    killGroup(this.#leader);
  }

  /**
   * A power cut: the Worker's runtime is gone between two instructions. wrangler, its launcher, is
   * asked to end, so that it removes its temporary files.
   */
  async crash(): Promise<void> {
    for (const pid of runtimesOf(this.#leader)) process.kill(pid, "SIGKILL");
    await this.stop();
  }

  async #health(): Promise<true | undefined> {
    if (!this.#isRunning()) throw new Error(`${this.#name} ended by itself`);
    // Until wrangler says so, whatever answers on this port is another program.
    if (!this.#log.includes(`Ready on ${this.url}`)) return undefined;
    try {
      const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
      const response = await fetch(`${this.url}/health`, { signal });
      await response.arrayBuffer();
      return response.ok ? true : undefined;
    } catch (error) {
      // Not listening yet, or slow to answer.
      if (error instanceof TypeError || error instanceof DOMException) return undefined;
      throw error;
    }
  }

  #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

function argumentsOf(options: WorkerOptions): string[] {
  return [
    "dev",
    `--config=${options.config}`,
    "--ip=127.0.0.1",
    `--port=${options.port}`,
    // 0: any free port; two Workers can't share the default.
    "--inspector-port=0",
    "--show-interactive-dev-session=false",
    `--persist-to=${options.persistTo}`,
    ...Object.entries(options.vars).map(([name, value]) => `--var=${name}:${value}`),
  ];
}

/** The processes of a group that run Workers. */
function runtimesOf(leader: number): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,pgid=,args="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [pid, group, program = ""] = line.trim().split(/\s+/);
    return Number(group) === leader && program.endsWith("/workerd") ? [Number(pid)] : [];
  });
}
