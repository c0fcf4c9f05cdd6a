import { DurableObject } from "cloudflare:workers";
import { configOf } from "../config.ts";
import { billDay } from "../domain/bill/day.ts";
import { connect } from "../db/database.ts";
import {
  beginReconciliation,
  findReconciliationOf,
  updateReconciliation,
} from "../db/reconciliations.ts";
import { describe, log } from "../observability/log.ts";
import { compareLines } from "./compare-lines.ts";
import { fetchBill } from "./fetch-bill.ts";
import { findMissingPayments, findMissingRefunds } from "./find-missing.ts";
import { newRun, type Run, type RunContext, type Step } from "./run.ts";
import { Staging } from "./staging.ts";

/** `joined`: the day was under way already. `unavailable`: D1 is away, say; the log has why. */
export type Started = "started" | "joined" | "unavailable";

/** A step that threw (D1 away, say) is tried again after this long. */
const FAULT_RETRY_MS = 5 * 60_000;
/** A step that crashes, so that nobody catches it, is begun again after this long. */
const STEP_TIMEOUT_MS = 20 * 60_000;

/**
 * One day of one merchant, named `merchantId:day`: compares WeChat's bill with D1, in steps. Each
 * step is one alarm, and is written down before it is begun, so that a crash at any point leads to
 * another attempt from where the last one left off.
 *
 * An object of its own rather than a workflow, because a bill can't be entered in the middle: it is
 * one compressed stream at an address that lives for five minutes, and a million lines are too many
 * for memory. So the lines have to lie somewhere from where they can be read in steps. The object's
 * SQLite is that place, and holds lines, progress and alarm in one transaction. When the day has
 * ended, or has to wait, all of it is deleted; what lasts is the row in D1 (db/reconciliations.ts).
 */
export class ReconciliationObject extends DurableObject<Env> {
  /**
   * Begins the day, unless it is under way: then makes sure that it goes on. A day that is done is
   * begun anew.
   */
  async start(merchantId: number, day: string): Promise<Started> {
    try {
      const db = connect(this.env.DB);
      if (this.#run() !== undefined) {
        // A run whose row is gone has lost its database to a restore: it is begun anew.
        if ((await findReconciliationOf(db, { merchantId, day })) !== null) {
          await this.#continue();
          return "joined";
        }
        this.ctx.storage.kv.delete("run");
      }
      // The row first: a crash before the rest leaves it running with nothing heard of it, and the
      // schedule begins such a day again.
      await beginReconciliation(db, { merchantId, day }, Date.now());
      // Somebody else may have begun it meanwhile.
      if (this.#run() === undefined) this.#save(newRun(merchantId, day));
      await this.#continue();
      return "started";
    } catch (error) {
      log("error", "reconciliation_failed", { name: this.ctx.id.name, error: describe(error) });
      return "unavailable";
    }
  }

  /** Does the next step. Never throws: the platform repeats a failed alarm six times only. */
  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    const run = this.#run();
    if (run === undefined) return;
    try {
      await storage.setAlarm(Date.now() + STEP_TIMEOUT_MS);
      const step = await this.#step(run);
      if (step.kind === "ended") {
        await storage.deleteAll();
        return;
      }
      this.#save(step.run);
      await storage.setAlarm(Date.now() + 1);
    } catch (error) {
      const { merchantId, day, phase } = run;
      log("error", "reconciliation_failed", {
        merchant: merchantId,
        day,
        phase,
        error: describe(error),
      });
      await storage.setAlarm(Date.now() + FAULT_RETRY_MS);
    }
  }

  async #step(run: Run): Promise<Step> {
    const context = this.#context(run);
    switch (run.phase) {
      case "fetch":
        return await fetchBill(context, run);
      case "lines":
        await this.#tell(context, run);
        return await compareLines(context, run);
      case "payments":
        await this.#tell(context, run);
        return await findMissingPayments(context, run);
      case "refunds":
        await this.#tell(context, run);
        return await findMissingRefunds(context, run);
    }
  }

  /** Shows in D1 how far the day has come, which also says that it isn't stuck. */
  async #tell({ db }: RunContext, run: Run): Promise<void> {
    await updateReconciliation(db, run, run.totals, Date.now());
  }

  /** An alarm that was lost is set again; one that is set stays. */
  async #continue(): Promise<void> {
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now());
  }

  #run(): Run | undefined {
    return this.ctx.storage.kv.get<Run>("run");
  }

  #save(run: Run): void {
    this.ctx.storage.kv.put("run", run);
  }

  #context(run: Run): RunContext {
    const config = configOf(this.env);
    if (!config.ok) throw new Error(`not configured: ${config.error.join("; ")}`);
    const day = billDay(run.day);
    if (day === null) throw new Error("a reconciliation of no day");
    return {
      env: this.env,
      config: config.value,
      db: connect(this.env.DB),
      merchantId: run.merchantId,
      day,
      staging: new Staging(this.ctx.storage),
      save: (progress) => {
        this.#save(progress);
      },
    };
  }
}
