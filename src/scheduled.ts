import { configOf } from "./config.ts";
import { log } from "./log.ts";
import { refreshCertificates } from "./platform-certificates.ts";
import { surroundingsOf } from "./surroundings.ts";

/** What is done every hour (wrangler.toml, `triggers`), whether or not anybody asks for anything. */
export async function scheduled(_controller: ScheduledController, env: Env): Promise<void> {
  const config = configOf(env);
  if (!config.ok) {
    log("error", "not_configured", { faults: config.error.join("; ") });
    return;
  }
  const surroundings = surroundingsOf(env, config.value);
  await refreshCertificates({ env, config: config.value, surroundings });
}
