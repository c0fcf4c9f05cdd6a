import { env } from "cloudflare:workers";
import { vi } from "vitest";

/** What goes wrong with one trip to D1. */
export interface TripFault {
  /** Which trip: by the text of one of its statements. */
  readonly sql: RegExp;
  /** `lost before`: not carried out. `lost after`: carried out, but the answer is lost. */
  readonly how: "lost before" | "lost after" | "held before" | "held after";
  /** For `held`: what it waits for. */
  readonly gate?: Promise<unknown>;
  /** How many trips it befalls; one if absent. */
  readonly times?: number;
}

/** The statements of each trip to D1 so far; a batch is one trip. */
export interface TripLog {
  readonly trips: readonly (readonly string[])[];
  readonly fail: (fault: TripFault) => void;
}

/** Watches all trips to D1, of routes and objects alike, until the mocks are restored. */
export function watchD1(): TripLog {
  const trips: string[][] = [];
  const faults: (TripFault & { left: number })[] = [];

  async function travel(statements: string[], carryOut: () => Promise<unknown>): Promise<unknown> {
    trips.push(statements);
    const fault = faults.find(({ sql, left }) => left > 0 && statements.some((s) => sql.test(s)));
    if (fault === undefined) return await carryOut();
    fault.left -= 1;
    if (fault.how === "lost before") throw new Error("D1_ERROR: Network connection lost.");
    if (fault.how === "held before") await fault.gate;
    const outcome = await carryOut();
    if (fault.how === "lost after") throw new Error("D1_ERROR: Network connection lost.");
    if (fault.how === "held after") await fault.gate;
    return outcome;
  }

  interceptD1(travel);
  return {
    trips,
    fail: (fault) => faults.push({ ...fault, left: fault.times ?? 1 }),
  };
}

/** What is done with a trip to D1, given by its statements' text. */
export type Traveller = (
  statements: string[],
  carryOut: () => Promise<unknown>,
) => Promise<unknown>;

/** Has all trips to D1, of routes and objects alike, made by `travel` until the mocks are restored. */
export function interceptD1(travel: Traveller): void {
  const statement: unknown = Object.getPrototypeOf(env.DB.prepare("select 1"));
  intercept(statement, ["all", "raw", "run"], async (self, carryOut) => {
    return await travel([sqlOf(self)], carryOut);
  });
  intercept(env.DB, ["batch"], async (_self, carryOut, [batch]) => {
    return await travel(Array.isArray(batch) ? batch.map(sqlOf) : [], carryOut);
  });
}

type Wrapper = (
  self: unknown,
  carryOut: () => Promise<unknown>,
  parameters: readonly unknown[],
) => Promise<unknown>;

function intercept(target: unknown, names: readonly string[], wrapper: Wrapper): void {
  if (!hasMethods(target)) throw new Error("nothing to intercept");
  for (const name of names) {
    const original = target[name];
    if (original === undefined) throw new Error(`D1 has no ${name}`);
    vi.spyOn(target, name).mockImplementation(async function (this: unknown, ...parameters) {
      const carryOut = async () => await original.apply(this, parameters);
      return await wrapper(this, carryOut, parameters);
    });
  }
}

type Methods = Record<string, (...parameters: unknown[]) => Promise<unknown>>;

function hasMethods(target: unknown): target is Methods {
  return typeof target === "object" && target !== null;
}

function sqlOf(statement: unknown): string {
  const sql: unknown = Reflect.get(Object(statement), "statement");
  if (typeof sql !== "string") throw new Error("a D1 statement without its text");
  return sql;
}
