import { configOf } from "./config.ts";
import { describe, log } from "./log.ts";
import { refreshCertificates } from "./platform-certificates.ts";
import { surroundingsOf, type World } from "./surroundings.ts";
import { sweep } from "./sweep/sweep.ts";

/**
 * What the schedule does, whether or not anybody asks for anything. Each job knows by itself whether
 * its time has come, so that a run that was missed costs nothing but the wait for the next one.
 */
const JOBS: Readonly<Record<string, (world: World) => Promise<void>>> = {
  certificates: refreshCertificates,
  sweep,
};

/** Every ten minutes (wrangler.toml, `triggers`). A job that throws doesn't keep the others. */
export async function scheduled(_controller: ScheduledController, env: Env): Promise<void> {
  const config = configOf(env);
  if (!config.ok) {
    log("error", "not_configured", { faults: config.error.join("; ") });
    return;
  }
  const world = { env, config: config.value, surroundings: surroundingsOf(env, config.value) };
  for (const [job, run] of Object.entries(JOBS)) {
    try {
      await run(world);
    } catch (error) {
      log("error", "job_failed", { job, error: describe(error) });
    }
  }
}
