import { configOf } from "./config.ts";
import { connect } from "./db/database.ts";
import { saveCursor } from "./db/cursors.ts";
import { describe, log } from "./observability/log.ts";
import { refreshCertificates } from "./settings/platform-certificates.ts";
import { reconcileDueDays } from "./reconciliation/schedule.ts";
import { wechatEnvOf, type JobContext } from "./settings/wechat-env.ts";
import { sweep } from "./sweep/sweep.ts";

/**
 * What the schedule does, whether or not anybody asks for anything. Each job knows by itself whether
 * its time has come, so that a run that was missed costs nothing but the wait for the next one.
 */
const JOBS: Readonly<Record<string, (world: JobContext) => Promise<void>>> = {
  certificates: refreshCertificates,
  sweep,
  reconciliation: reconcileDueDays,
};

/** Every ten minutes (wrangler.toml, `triggers`). A job that throws doesn't keep the others. */
export async function scheduled(_controller: ScheduledController, env: Env): Promise<void> {
  const config = configOf(env);
  if (!config.ok) {
    log("error", "not_configured", { faults: config.error.join("; ") });
    return;
  }
  const world = { env, config: config.value, wechatEnv: wechatEnvOf(env, config.value) };
  for (const [job, run] of Object.entries({ ...JOBS, heartbeat })) {
    try {
      await run(world);
    } catch (error) {
      log("error", "job_failed", { job, error: describe(error) });
    }
  }
}

/** Last, so that a run which the platform cuts short counts as none: `/health` misses it. */
async function heartbeat({ env }: JobContext): Promise<void> {
  const nowAt = Date.now();
  await saveCursor(connect(env.DB), "schedule", nowAt, nowAt);
}
