import { env } from "cloudflare:workers";
import { vi } from "vitest";

/** A fault of one trip to D1. */
export interface TripFault {
  /** Selects the trip by the text of one of its statements. */
  readonly sql: RegExp;
  /** `lost before`: D1 never gets the trip. `lost after`: D1 executes it, the result is lost. */
  readonly how: "lost before" | "lost after" | "held before" | "held after";
  /** For `held`: the trip waits for this. */
  readonly gate?: Promise<unknown>;
  /** The number of trips that fail; 1 if absent. */
  readonly times?: number;
}

/** The statements of each trip to D1 so far; a batch is one trip. */
export interface TripLog {
  readonly trips: readonly (readonly string[])[];
  readonly fail: (fault: TripFault) => void;
}

/** Logs all trips to D1, of routes and objects alike, until the mocks are restored. */
export function instrumentD1(): TripLog {
  const trips: string[][] = [];
  const faults: (TripFault & { left: number })[] = [];

  const handleTrip: TripHandler = async (statements, execute) => {
    trips.push(statements);
    const fault = faults.find(({ sql, left }) => left > 0 && statements.some((s) => sql.test(s)));
    if (fault === undefined) return await execute();
    fault.left -= 1;
    if (fault.how === "lost before") throw new Error("D1_ERROR: Network connection lost.");
    if (fault.how === "held before") await fault.gate;
    const result = await execute();
    if (fault.how === "lost after") throw new Error("D1_ERROR: Network connection lost.");
    if (fault.how === "held after") await fault.gate;
    return result;
  };

  interceptD1(handleTrip);
  return {
    trips,
    fail: (fault) => faults.push({ ...fault, left: fault.times ?? 1 }),
  };
}

/** Handles a trip to D1: gets the text of its statements and the function that executes them. */
export type TripHandler = (
  statements: string[],
  execute: () => Promise<unknown>,
) => Promise<unknown>;

/** Passes all trips to D1, of routes and objects alike, to `handle` until the mocks are restored. */
export function interceptD1(handle: TripHandler): void {
  const statement: unknown = Object.getPrototypeOf(env.DB.prepare("select 1"));
  intercept(statement, ["all", "raw", "run"], async (self, execute) => {
    return await handle([sqlOf(self)], execute);
  });
  // The binding's own batch goes through a session too.
  const session: unknown = Object.getPrototypeOf(env.DB.withSession("first-unconstrained"));
  intercept(session, ["batch"], async (_self, execute, [batch]) => {
    return await handle(Array.isArray(batch) ? batch.map(sqlOf) : [], execute);
  });
}

type Wrapper = (
  self: unknown,
  execute: () => Promise<unknown>,
  parameters: readonly unknown[],
) => Promise<unknown>;

function intercept(target: unknown, names: readonly string[], wrapper: Wrapper): void {
  if (!hasMethods(target)) throw new Error("the target has no methods");
  for (const name of names) {
    const original = target[name];
    if (original === undefined) throw new Error(`D1 has no method ${name}`);
    vi.spyOn(target, name).mockImplementation(async function (this: unknown, ...parameters) {
      const execute = async () => await original.apply(this, parameters);
      return await wrapper(this, execute, parameters);
    });
  }
}

type Methods = Record<string, (...parameters: unknown[]) => Promise<unknown>>;

function hasMethods(target: unknown): target is Methods {
  return typeof target === "object" && target !== null;
}

function sqlOf(statement: unknown): string {
  const sql: unknown = Reflect.get(Object(statement), "statement");
  if (typeof sql !== "string") throw new Error("a D1 statement has no text");
  return sql;
}
