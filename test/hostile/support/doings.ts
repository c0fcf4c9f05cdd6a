import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { instrumentD1 } from "../../support/d1.ts";
import type { Case } from "./case.ts";
import { dumpD1 } from "./stores.ts";

/** What the gateway does besides answering. */
export class Doings {
  readonly #d1 = instrumentD1();
  readonly #network = vi.mocked(fetch);
  readonly #objects = vi.spyOn(env.ORDER_OBJECT, "getByName");
  #rows = "";
  #seen = { trips: 0, calls: 0, objects: 0 };

  /** Watches D1, the network and the orders' objects from now on, until the mocks are restored. */
  static async watch(): Promise<Doings> {
    const doings = new Doings();
    doings.#rows = await dumpD1();
    doings.look();
    return doings;
  }

  /** What has been done since the last look that a case of this kind must not bring about. */
  async faultsOf({ may }: Case): Promise<string[]> {
    const before = this.#seen;
    const writes = this.#d1.trips
      .slice(before.trips)
      .flat()
      .filter((sql) => !/^select\b/i.test(sql));
    // Only a statement that writes can have changed a row, and most of those sent here change none.
    const rows = writes.length > 0 ? await dumpD1() : this.#rows;
    const faults: string[] = [];
    if (rows !== this.#rows && may !== "rows") faults.push(`changes rows: ${writes.join("; ")}`);
    this.#rows = rows;
    this.look();
    if (may !== undefined) return faults;
    if (this.#seen.calls > before.calls) faults.push("calls over the network");
    if (this.#seen.objects > before.objects) faults.push("reaches an order's object");
    return faults;
  }

  /** Forgets what has been done so far, by the tests themselves. */
  look(): void {
    this.#seen = {
      trips: this.#d1.trips.length,
      calls: this.#network.mock.calls.length,
      objects: this.#objects.mock.calls.length,
    };
  }
}
