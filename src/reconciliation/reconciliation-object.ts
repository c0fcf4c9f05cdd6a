import { DurableObject } from "cloudflare:workers";
import { configOf } from "../config.ts";
import {
  beginReconciliation,
  findReconciliationOf,
  NO_TOTALS,
  updateReconciliation,
  type Totals,
} from "../db/reconciliations.ts";
import { billDay } from "../domain/bill/day.ts";
import { describe, log } from "../observability/log.ts";
import { newMeter, type RequestMeter } from "../observability/request-meter.ts";
import { openWork, type WorkContext } from "../settings/work-context.ts";
import { compareLines } from "./compare-lines.ts";
import { fetchBill } from "./fetch-bill.ts";
import { findMissingPayments, findMissingRefunds } from "./find-missing.ts";
import { newRun, NONE_UNRECORDED, type Run, type RunContext, type Step } from "./run.ts";
import { Staging } from "./staging.ts";

/** `joined`: the day was already running. `unavailable`: D1 failed, for example; the log has the error. */
export type Started = "started" | "joined" | "unavailable";

/** The progress as stored, perhaps by the version before this one, which lacked some of it. */
type StoredRun = Omit<Run, "totals" | "unrecorded"> &
  Partial<Pick<Run, "unrecorded">> & { readonly totals: Partial<Totals> };

/** A step that threw (D1 unavailable, for example) runs again after this time. */
const FAULT_RETRY_MS = 5 * 60_000;
/** A step that crashed without being caught runs again after this time. */
const STEP_TIMEOUT_MS = 20 * 60_000;

/**
 * One day of one merchant, named `merchantId:day`: compares WeChat's bill with D1, in steps. Each
 * step is one alarm and is stored before it starts, so that a crash at any point leads to another
 * attempt from the last stored progress.
 *
 * A Durable Object rather than a Workflow, because a bill can't be read from the middle: it is one
 * compressed stream at a URL that is valid for five minutes, and a million lines don't fit into
 * memory. The object's SQLite stores the lines for reading in steps, in one transaction with the
 * progress and the alarm. When the day has ended, or has to wait, all of it is deleted; the row in
 * D1 stays (db/reconciliations.ts).
 */
export class ReconciliationObject extends DurableObject<Env> {
  /**
   * Starts the day. A running day continues, with its alarm restored if it was lost; a day that is
   * done starts from the beginning.
   */
  async start(merchantId: number, day: string, requestId?: string): Promise<Started> {
    const meter = newMeter(this.env, requestId);
    const startedAt = Date.now();
    let outcome: Started = "unavailable";
    try {
      outcome = await this.#start(this.#work(meter), merchantId, day);
    } catch (error) {
      log("error", "reconciliation_failed", {
        requestId,
        name: this.ctx.id.name,
        error: describe(error),
      });
    }
    logStep(meter, { merchant: merchantId, day, phase: "start", outcome, startedAt });
    return outcome;
  }

  /** Runs the next step. Never throws: the platform repeats a failed alarm six times only. */
  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    const run = this.#run();
    if (run === undefined) return;
    const { merchantId, day, phase } = run;
    const startedAt = Date.now();
    const meter = newMeter(this.env, run.requestId ?? undefined);
    let outcome: Step["kind"] | "failed" = "failed";
    try {
      await storage.setAlarm(Date.now() + STEP_TIMEOUT_MS);
      const step = await this.#step(run, meter);
      outcome = step.kind;
      if (step.kind === "ended") {
        await storage.deleteAll();
      } else {
        this.#save(step.run);
        await storage.setAlarm(Date.now() + 1);
      }
    } catch (error) {
      outcome = "failed";
      log("error", "reconciliation_failed", {
        requestId: meter.requestId,
        merchant: merchantId,
        day,
        phase,
        error: describe(error),
      });
      await storage.setAlarm(Date.now() + FAULT_RETRY_MS);
    }
    logStep(meter, { merchant: merchantId, day, phase, outcome, startedAt });
  }

  async #start({ db, meter }: WorkContext, merchantId: number, day: string): Promise<Started> {
    if (this.#run() !== undefined) {
      // Without its row, the database was restored from a backup: start from the beginning.
      if ((await findReconciliationOf(db, { merchantId, day })) !== null) {
        await this.#ensureAlarm();
        return "joined";
      }
      this.ctx.storage.kv.delete("run");
    }
    // The row first: after a crash here, the schedule finds a running row without progress and starts
    // the day again.
    await beginReconciliation(db, { merchantId, day }, Date.now());
    // Another call may have started the day meanwhile.
    if (this.#run() === undefined) this.#save(newRun(merchantId, day, meter.requestId ?? null));
    await this.#ensureAlarm();
    return "started";
  }

  async #step(run: Run, meter: RequestMeter): Promise<Step> {
    const context = this.#context(run, meter);
    switch (run.phase) {
      case "fetch":
        return await fetchBill(context, run);
      case "lines":
        await this.#showProgress(context, run);
        return await compareLines(context, run);
      case "payments":
        await this.#showProgress(context, run);
        return await findMissingPayments(context, run);
      case "refunds":
        await this.#showProgress(context, run);
        return await findMissingRefunds(context, run);
    }
  }

  /** Writes the progress to D1, which also shows the schedule that the day isn't stuck. */
  async #showProgress({ db }: RunContext, run: Run): Promise<void> {
    await updateReconciliation(db, run, run.totals, Date.now());
  }

  /** Sets the alarm again if it was lost. */
  async #ensureAlarm(): Promise<void> {
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null) await storage.setAlarm(Date.now());
  }

  #run(): Run | undefined {
    const run = this.ctx.storage.kv.get<StoredRun>("run");
    return run && { unrecorded: NONE_UNRECORDED, ...run, totals: { ...NO_TOTALS, ...run.totals } };
  }

  #save(run: Run): void {
    this.ctx.storage.kv.put("run", run);
  }

  #work(meter: RequestMeter): WorkContext {
    const config = configOf(this.env);
    if (!config.ok) throw new Error(`not configured: ${config.error.join("; ")}`);
    return openWork(this.env, config.value, meter);
  }

  #context(run: Run, meter: RequestMeter): RunContext {
    const day = billDay(run.day);
    if (day === null) throw new Error("a reconciliation without a valid day");
    return {
      ...this.#work(meter),
      merchantId: run.merchantId,
      day,
      staging: new Staging(this.ctx.storage),
      save: (progress) => {
        this.#save(progress);
      },
    };
  }
}

/** One line per step, with what the step has used. */
function logStep(
  { requestId, usage }: RequestMeter,
  step: {
    readonly merchant: number;
    readonly day: string;
    readonly phase: string;
    readonly outcome: string;
    readonly startedAt: number;
  },
): void {
  const { startedAt, ...facts } = step;
  const tookMs = Date.now() - startedAt;
  log("info", "reconciliation_step", { requestId, ...facts, tookMs, ...usage });
}
