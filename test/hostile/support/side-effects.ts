import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { watchD1 } from "../../support/d1.ts";
import type { Case } from "./case.ts";
import { dumpD1 } from "./stores.ts";

/** Observes the side effects of requests: rows in D1, calls over the network, calls to objects. */
export class SideEffects {
  readonly #d1 = watchD1();
  readonly #network = vi.mocked(fetch);
  readonly #objects = vi.spyOn(env.ORDER_OBJECT, "getByName");
  #rows = "";
  #seen = { trips: 0, calls: 0, objects: 0 };

  /** Starts to observe D1, the network and the orders' objects, until the mocks are restored. */
  static async observe(): Promise<SideEffects> {
    const sideEffects = new SideEffects();
    sideEffects.#rows = await dumpD1();
    sideEffects.skip();
    return sideEffects;
  }

  /** Describes the side effects since the last call that the case doesn't allow. */
  async problemsOf({ allows }: Case): Promise<string[]> {
    const before = this.#seen;
    const writes = this.#d1.trips
      .slice(before.trips)
      .flat()
      .filter((sql) => !/^select\b/i.test(sql));
    // A dump is slow, and only a statement that writes can have changed a row.
    const rows = writes.length > 0 ? await dumpD1() : this.#rows;
    const problems: string[] = [];
    if (rows !== this.#rows && allows !== "rows") {
      problems.push(`changes rows: ${writes.join("; ")}`);
    }
    this.#rows = rows;
    this.skip();
    if (allows !== undefined) return problems;
    if (this.#seen.calls > before.calls) problems.push("calls over the network");
    if (this.#seen.objects > before.objects) problems.push("calls an order's object");
    return problems;
  }

  /** Ignores the side effects so far: the test itself caused them. */
  skip(): void {
    this.#seen = {
      trips: this.#d1.trips.length,
      calls: this.#network.mock.calls.length,
      objects: this.#objects.mock.calls.length,
    };
  }
}
