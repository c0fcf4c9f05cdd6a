import { configOf } from "./config.ts";
import { saveCursor } from "./db/cursors.ts";
import { describe, log } from "./observability/log.ts";
import { newMeter } from "./observability/request-meter.ts";
import { reconcileDueDays } from "./reconciliation/schedule.ts";
import { refreshCertificates } from "./settings/platform-certificates.ts";
import { openWork, type WorkContext } from "./settings/work-context.ts";
import { sweep } from "./sweep/sweep.ts";

/**
 * The scheduled jobs. Each job determines itself what is due, so that a missed run only delays it to
 * the next one. The heartbeat is last: a run that the platform aborts doesn't count, and `/health`
 * notices.
 */
const JOBS: Readonly<Record<string, (work: WorkContext) => Promise<void>>> = {
  certificates: refreshCertificates,
  sweep,
  reconciliation: reconcileDueDays,
  heartbeat,
};

/** Every ten minutes (wrangler.toml, `triggers`). A job that throws doesn't stop the others. */
export async function scheduled(_controller: ScheduledController, env: Env): Promise<void> {
  const config = configOf(env);
  if (!config.ok) {
    log("error", "not_configured", { faults: config.error.join("; ") });
    return;
  }
  for (const [job, run] of Object.entries(JOBS)) {
    const startedAt = Date.now();
    const work = openWork(env, config.value, newMeter(env));
    let outcome = "done";
    try {
      await run(work);
    } catch (error) {
      outcome = "failed";
      log("error", "job_failed", { job, error: describe(error) });
    }
    const tookMs = Date.now() - startedAt;
    log("info", "job", { job, outcome, tookMs, ...work.meter.usage });
  }
}

async function heartbeat({ db }: WorkContext): Promise<void> {
  const nowAt = Date.now();
  await saveCursor(db, "schedule", nowAt, nowAt);
}
