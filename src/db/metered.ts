import type { Usage } from "../observability/request-meter.ts";

type D1Cost = Pick<Usage, "d1Trips" | "d1Ms">;

/** The binding's own statements behind the metered ones: a batch accepts only these. */
const natives = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

/** The methods of a statement that make a trip to the database. */
const TRIPS: ReadonlySet<string | symbol> = new Set(["all", "first", "raw", "run"]);

/**
 * The binding, adding each trip and the time it takes to `usage`. A batch is one trip. Queries go
 * through `source`, which may be a session of the binding.
 */
export function metered(
  d1: D1Database,
  usage: D1Cost,
  source: Pick<D1Database, "prepare" | "batch"> = d1,
): D1Database {
  return new Proxy(d1, {
    get(target, name): unknown {
      switch (name) {
        case "prepare":
          return (query: string) => meteredStatement(source.prepare(query), usage);
        case "batch":
          return async (statements: readonly D1PreparedStatement[]) =>
            await trip(usage, async () => await source.batch(statements.map(nativeOf)));
        default:
          return Reflect.get(target, name);
      }
    },
  });
}

function nativeOf(statement: D1PreparedStatement): D1PreparedStatement {
  return natives.get(statement) ?? statement;
}

function meteredStatement(native: D1PreparedStatement, usage: D1Cost): D1PreparedStatement {
  const statement = new Proxy(native, {
    get(target, name): unknown {
      if (name === "bind") {
        return (...values: unknown[]) => meteredStatement(target.bind(...values), usage);
      }
      const own: unknown = Reflect.get(target, name);
      if (!TRIPS.has(name) || typeof own !== "function") return own;
      return async (...parameters: unknown[]): Promise<unknown> =>
        await trip(usage, async () => await Reflect.apply(own, target, parameters));
    },
  });
  natives.set(statement, native);
  return statement;
}

async function trip<T>(usage: D1Cost, call: () => Promise<T>): Promise<T> {
  usage.d1Trips += 1;
  const startedAt = Date.now();
  try {
    return await call();
  } finally {
    usage.d1Ms += Date.now() - startedAt;
  }
}
