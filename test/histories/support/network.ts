import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import sandbox from "../../../sandbox/src/index.ts";
import { send } from "../../support/gateway.ts";
import { interceptD1 } from "../../support/d1.ts";
import type { AppServers } from "./app-servers.ts";
import { NEWEST, type ConnectionFault, type D1Fault } from "./steps.ts";

/** A notification as the sandbox sent it. */
export interface SentNotification {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Called for each notification that the gateway acknowledged, before the sandbox gets the response. */
export type OnAcknowledged = (notification: SentNotification) => Promise<void>;

/** The number of checks, 1 ms apart, without a new arrival before the next turn. */
const QUIET_CHECKS = 2;
const MAX_CHECKS = 5_000;
/** A request that can end after a crash has ended by then. */
const CRASH_TIMEOUT_MS = 2_000;

/**
 * A trip that waits for its turn by polling. Nothing else can wake it: only the object that waits may
 * resolve its promise, and a trip that a crash cut off stops polling.
 */
interface Waiter {
  mayProceed: boolean;
}

/**
 * The network of a history: the gateway's calls to the sandbox and to the apps, the sandbox's
 * notifications, the trips to D1. Each of them can be lost. While actions run concurrently, each trip
 * waits for its turn.
 */
export class Network {
  /** The notifications that the sandbox posted, as templates for forgeries. */
  readonly notifications: SentNotification[] = [];
  readonly #apps: AppServers;
  readonly #onAcknowledged: OnAcknowledged;
  readonly #connectionFaults: ConnectionFault[] = [];
  readonly #d1Faults: { readonly fault: D1Fault; after: number }[] = [];
  /** The trips that wait for their turn; null while trips don't wait. */
  #waiters: Waiter[] | null = null;
  #arrivals = 0;
  #observers = 0;

  constructor(apps: AppServers, onAcknowledged: OnAcknowledged) {
    this.#apps = apps;
    this.#onAcknowledged = onAcknowledged;
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async (input, init) => await this.#fetch(new Request(input, init)),
    );
    // The sandbox's delays take no real time.
    vi.spyOn(scheduler, "wait").mockImplementation(async () => undefined);
    interceptD1(async (_statements, execute) => await this.#d1Trip(execute));
  }

  /** The next call to the sandbox is lost. */
  failNextCall(fault: ConnectionFault): void {
    this.#connectionFaults.push(fault);
  }

  /** The trip to D1 after the next `after` trips is lost. */
  failD1(fault: D1Fault, after: number): void {
    this.#d1Faults.push({ fault, after });
  }

  clearFaults(): void {
    this.#connectionFaults.length = 0;
    this.#d1Faults.length = 0;
  }

  /** Reads D1 for a check: its trips wait for no turn and meet no fault. */
  async observe<T>(read: () => Promise<T>): Promise<T> {
    this.#observers += 1;
    try {
      return await read();
    } finally {
      this.#observers -= 1;
    }
  }

  /**
   * Runs the actions concurrently, one turn after another, until all have ended. `turns` repeats from
   * its start. Rethrows the first failure, unless there was a crash.
   */
  async runConcurrently(
    actions: readonly (() => Promise<unknown>)[],
    turns: readonly number[],
    crashAtTurn: number | null,
    crash: () => Promise<void>,
  ): Promise<void> {
    this.#waiters = [];
    const group = { ended: false };
    const all = Promise.allSettled(
      actions.map(async (action) => {
        await this.#nextTurn();
        await action();
      }),
    ).then((results) => {
      group.ended = true;
      return results;
    });
    for (let turn = 0; !group.ended; turn += 1) {
      await this.#quiet(group);
      if (turn === crashAtTurn) {
        await crash();
        this.#releaseAll();
        // A request that the crash cut off may never end.
        await Promise.race([all, new Promise((resolve) => setTimeout(resolve, CRASH_TIMEOUT_MS))]);
        return;
      }
      const draw = turns[turn % turns.length] ?? 0;
      const { length } = this.#waiters ?? [];
      const chosen = draw === NEWEST ? length - 1 : draw % Math.max(length, 1);
      const next = this.#waiters?.splice(chosen, 1)[0];
      if (next !== undefined) next.mayProceed = true;
    }
    this.#releaseAll();
    for (const result of await all) if (result.status === "rejected") throw result.reason;
  }

  /** Lets all waiters proceed; later trips don't wait. */
  #releaseAll(): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = null;
    for (const waiter of waiters) waiter.mayProceed = true;
  }

  /** Returns when every trip waits: at least one waiter, and no new arrival for a while. */
  async #quiet(group: { readonly ended: boolean }): Promise<void> {
    let quietChecks = 0;
    for (let check = 0; check < MAX_CHECKS && !group.ended; check += 1) {
      const before = this.#arrivals;
      await tick();
      const isQuiet = this.#arrivals === before && this.#waiters?.length !== 0;
      quietChecks = isQuiet ? quietChecks + 1 : 0;
      if (quietChecks >= QUIET_CHECKS) return;
    }
    if (!group.ended) throw new Error("the concurrent actions don't end");
  }

  async #nextTurn(): Promise<void> {
    this.#arrivals += 1;
    if (this.#waiters === null || this.#observers > 0) return;
    const waiter = { mayProceed: false };
    this.#waiters.push(waiter);
    while (!waiter.mayProceed) await tick();
  }

  async #d1Trip(execute: () => Promise<unknown>): Promise<unknown> {
    if (this.#observers > 0) return await execute();
    await this.#nextTurn();
    const fault = this.#nextD1Fault();
    if (fault === "lost before") throw new Error("D1_ERROR: Network connection lost.");
    const result = await execute();
    if (fault === "lost after") throw new Error("D1_ERROR: Network connection lost.");
    await this.#nextTurn();
    return result;
  }

  #nextD1Fault(): D1Fault | undefined {
    const [first] = this.#d1Faults;
    if (first === undefined) return undefined;
    if (first.after > 0) {
      first.after -= 1;
      return undefined;
    }
    this.#d1Faults.shift();
    return first.fault;
  }

  async #fetch(request: Request): Promise<Response> {
    const { origin } = new URL(request.url);
    if (origin === env.WECHAT_PAY_URL) return await this.#callWechat(request);
    if (origin === env.PUBLIC_URL) return await this.#notifyGateway(request);
    await this.#nextTurn();
    const response = await this.#apps.handle(request);
    await this.#nextTurn();
    return response;
  }

  async #callWechat(request: Request): Promise<Response> {
    await this.#nextTurn();
    const fault = this.#connectionFaults.shift();
    if (fault === "lost before") throw new TypeError("Network connection lost.");
    const context = createExecutionContext();
    const response = await sandbox.fetch(request, env, context);
    await waitOnExecutionContext(context);
    if (fault === "lost after") throw new TypeError("Network connection lost.");
    await this.#nextTurn();
    return response;
  }

  async #notifyGateway(request: Request): Promise<Response> {
    const { method, headers } = request;
    const body = await request.text();
    const path = new URL(request.url).pathname;
    const notification = { path, headers, body };
    this.notifications.push(notification);
    const response = await send(path, { method, headers, body });
    if (await isAcknowledgement(response.clone())) await this.#onAcknowledged(notification);
    return response;
  }
}

/** Whether WeChat takes the response for an acknowledgement and doesn't send the notification again. */
export async function isAcknowledgement(response: Response): Promise<boolean> {
  const text = await response.text();
  return response.status === 204 || (response.status === 200 && text.includes("[SUCCESS]"));
}

async function tick(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
