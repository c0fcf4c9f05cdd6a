import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import sandbox from "../../../sandbox/src/index.ts";
import { send } from "../../support/gateway.ts";
import { interceptD1 } from "../../support/d1.ts";
import type { AppServers } from "./app-servers.ts";
import { NEWEST, type LineFault, type TripFault } from "./steps.ts";

/** A notification as the sandbox sent it, and whether the gateway acknowledged it. */
export interface Notice {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Told of each notification that was acknowledged, before the sandbox hears of it. */
export type OnAcknowledged = (notice: Notice) => Promise<void>;

/** How often, 1 ms apart, nothing must have arrived before the next one goes on. */
const STILL_TURNS = 2;
const MOST_TURNS = 5_000;
/** By then a request that can end after a crash has ended. */
const MOST_AFTER_CRASH_MS = 2_000;

/**
 * Whoever waits for its turn looks whether it has come. It can't be woken: what an object waits for
 * only that object may resolve, and one that a crash took away looks no more.
 */
interface Waiting {
  mayGoOn: boolean;
}

/**
 * All that goes over a network in a history: the gateway's calls to the sandbox and to the apps, the
 * sandbox's notifications, the trips to D1. Each can be lost; while several things happen together
 * each waits until its turn is drawn.
 */
export class Wires {
  /** What was posted to the gateway by the sandbox, for forgers to learn from. */
  readonly notices: Notice[] = [];
  readonly #apps: AppServers;
  readonly #onAcknowledged: OnAcknowledged;
  readonly #lineFaults: LineFault[] = [];
  readonly #tripFaults: { readonly fault: TripFault; after: number }[] = [];
  /** Those that wait for their turn; null while nothing has to. */
  #waiting: Waiting[] | null = null;
  #arrivals = 0;
  #peeking = 0;

  constructor(apps: AppServers, onAcknowledged: OnAcknowledged) {
    this.#apps = apps;
    this.#onAcknowledged = onAcknowledged;
    vi.spyOn(globalThis, "fetch").mockImplementation(
      async (input, init) => await this.#fetch(new Request(input, init)),
    );
    // A sandbox that is slow, or never answers, takes no real time.
    vi.spyOn(scheduler, "wait").mockImplementation(async () => undefined);
    interceptD1(async (_statements, carryOut) => await this.#travel(carryOut));
  }

  /** The next call to the sandbox is lost. */
  loseCall(fault: LineFault): void {
    this.#lineFaults.push(fault);
  }

  /** A trip to D1 is lost, after so many that aren't. */
  loseTrip(fault: TripFault, after: number): void {
    this.#tripFaults.push({ fault, after });
  }

  /** Whether something that was armed is still to come. */
  get troubled(): boolean {
    return this.#lineFaults.length + this.#tripFaults.length > 0;
  }

  heal(): void {
    this.#lineFaults.length = 0;
    this.#tripFaults.length = 0;
  }

  /** Reads D1 without being in anybody's way. */
  async peek<T>(read: () => Promise<T>): Promise<T> {
    this.#peeking += 1;
    try {
      return await read();
    } finally {
      this.#peeking -= 1;
    }
  }

  /**
   * Runs all of it at the same time, one turn after the other as drawn, until all of it is over.
   * `turns` begins again at its end.
   */
  async together(
    begin: readonly (() => Promise<unknown>)[],
    turns: readonly number[],
    crashAt: number | null,
    crash: () => Promise<void>,
  ): Promise<void> {
    this.#waiting = [];
    const group = { over: false };
    const all = Promise.allSettled(
      begin.map(async (action) => {
        await this.#turn();
        await action();
      }),
    ).then((ends) => {
      group.over = true;
      return ends;
    });
    for (let turn = 0; !group.over; turn += 1) {
      await this.#stillness(group);
      if (turn === crashAt) {
        await crash();
        this.#open();
        // What became of a request that a crash cut off, nobody can tell.
        await Promise.race([
          all,
          new Promise((resolve) => setTimeout(resolve, MOST_AFTER_CRASH_MS)),
        ]);
        return;
      }
      const draw = turns[turn % turns.length] ?? 0;
      const { length } = this.#waiting ?? [];
      const chosen = draw === NEWEST ? length - 1 : draw % Math.max(length, 1);
      const next = this.#waiting?.splice(chosen, 1)[0];
      if (next !== undefined) next.mayGoOn = true;
    }
    this.#open();
    for (const end of await all) if (end.status === "rejected") throw end.reason;
  }

  /** From now on nobody waits. */
  #open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const it of waiting) it.mayGoOn = true;
  }

  /** Until everybody waits: nothing has arrived for a while, and something is there. */
  async #stillness(group: { readonly over: boolean }): Promise<void> {
    let still = 0;
    for (let turn = 0; turn < MOST_TURNS && !group.over; turn += 1) {
      const before = this.#arrivals;
      await moment();
      still = this.#arrivals === before && this.#waiting?.length !== 0 ? still + 1 : 0;
      if (still >= STILL_TURNS) return;
    }
    if (!group.over) throw new Error("what happens together never ends");
  }

  async #turn(): Promise<void> {
    this.#arrivals += 1;
    if (this.#waiting === null || this.#peeking > 0) return;
    const waiting = { mayGoOn: false };
    this.#waiting.push(waiting);
    while (!waiting.mayGoOn) await moment();
  }

  async #travel(carryOut: () => Promise<unknown>): Promise<unknown> {
    if (this.#peeking > 0) return await carryOut();
    await this.#turn();
    const fault = this.#dueTripFault();
    if (fault === "lost before") throw new Error("D1_ERROR: Network connection lost.");
    const outcome = await carryOut();
    if (fault === "lost after") throw new Error("D1_ERROR: Network connection lost.");
    await this.#turn();
    return outcome;
  }

  #dueTripFault(): TripFault | undefined {
    const [first] = this.#tripFaults;
    if (first === undefined) return undefined;
    if (first.after > 0) {
      first.after -= 1;
      return undefined;
    }
    this.#tripFaults.shift();
    return first.fault;
  }

  async #fetch(request: Request): Promise<Response> {
    const { origin } = new URL(request.url);
    if (origin === env.WECHAT_PAY_URL) return await this.#toWechat(request);
    if (origin === env.PUBLIC_URL) return await this.#toGateway(request);
    await this.#turn();
    const reply = await this.#apps.answer(request);
    await this.#turn();
    return reply;
  }

  async #toWechat(request: Request): Promise<Response> {
    await this.#turn();
    const fault = this.#lineFaults.shift();
    if (fault === "lost before") throw new TypeError("Network connection lost.");
    const context = createExecutionContext();
    const response = await sandbox.fetch(request, env, context);
    await waitOnExecutionContext(context);
    if (fault === "lost after") throw new TypeError("Network connection lost.");
    await this.#turn();
    return response;
  }

  async #toGateway(request: Request): Promise<Response> {
    const { method, headers } = request;
    const body = await request.text();
    const path = new URL(request.url).pathname;
    const notice = { path, headers, body };
    this.notices.push(notice);
    const response = await send(path, { method, headers, body });
    if (await isAcknowledgement(response.clone())) await this.#onAcknowledged(notice);
    return response;
  }
}

/** Whether WeChat is told that it need not come again. */
export async function isAcknowledgement(response: Response): Promise<boolean> {
  const text = await response.text();
  return response.status === 204 || (response.status === 200 && text.includes("[SUCCESS]"));
}

async function moment(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1));
}
