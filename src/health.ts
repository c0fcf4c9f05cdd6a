import type { Context } from "hono";
import { hasStopped } from "./domain/health.ts";
import { ok, type Result } from "./lib/result.ts";
import { readHealth, type HealthFacts } from "./db/health.ts";
import { apps } from "./db/schema.ts";
import { openFrom } from "./db/secrets.ts";
import { TtlCache } from "./lib/ttl-cache.ts";
import { masterKeyOf } from "./settings/settings.ts";
import type { GatewayEnv } from "./env.ts";
import { describe, log } from "./observability/log.ts";
import { orderObject } from "./orders/stub.ts";

/** A monitor gives up sooner or later; this is sooner. In ms. */
const CHECK_TIMEOUT_MS = 3_000;
/** How long an isolate's finding is good for, in ms: so that many who ask cost no more than one. */
const FINDINGS_MAX_AGE_MS = 5_000;
/** An order's object that belongs to no order: nothing is ever stored in it. */
const PROBE = "health";

const FAULTS = {
  database: "the database does not answer, or lacks a migration",
  secrets: "a stored secret does not open under MASTER_KEY",
  objects: "the orders' objects do not answer",
  schedule: "the schedule has not run for over an hour",
} as const;

const findings = new TtlCache<readonly string[], never>();

/** GET /health: 200 while the gateway can do its work, else 503 with what is amiss. */
export async function health(c: Context<GatewayEnv>): Promise<Response> {
  const found = await findings.get(
    "",
    Date.now(),
    async () => ok(await findFaults(c)),
    FINDINGS_MAX_AGE_MS,
  );
  const faults = found.ok ? found.value : [];
  return faults.length === 0 ? c.json({ ok: true }) : c.json({ ok: false, faults }, 503);
}

async function findFaults(c: Context<GatewayEnv>): Promise<string[]> {
  const [signs, reached] = await Promise.all([
    withTimeout(c, "database", async () => await readHealth(c.get("db"))),
    withTimeout(c, "objects", async () => await orderObject(c.env, PROBE).ping()),
  ]);
  const faults = [];
  if (signs.ok) faults.push(...(await faultsIn(c, signs.value)));
  else faults.push(FAULTS.database);
  if (!reached.ok) faults.push(FAULTS.objects);
  if (faults.length > 0) {
    log("error", "unhealthy", { requestId: c.get("requestId"), faults: faults.join("; ") });
  }
  return faults;
}

async function faultsIn(
  c: Context<GatewayEnv>,
  { secret, scheduledAt }: HealthFacts,
): Promise<string[]> {
  const config = c.get("config");
  const faults = [];
  if (secret !== null) {
    const masterKey = await masterKeyOf(config);
    const opened = await openFrom(apps.saltSealed, secret.appId, secret.saltSealed, masterKey);
    if (!opened.ok) faults.push(FAULTS.secrets);
  }
  // `wrangler dev` runs no schedule.
  if (config.environment !== "development" && hasStopped(scheduledAt, Date.now())) {
    faults.push(FAULTS.schedule);
  }
  return faults;
}

/** What came of it in time; if nothing did, the log has why. */
async function withTimeout<T>(
  c: Context<GatewayEnv>,
  part: keyof typeof FAULTS,
  work: () => Promise<T>,
): Promise<Result<T, null>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer in ${CHECK_TIMEOUT_MS} ms`)),
      CHECK_TIMEOUT_MS,
    );
  });
  try {
    return ok(await Promise.race([work(), late]));
  } catch (error) {
    const requestId = c.get("requestId");
    log("warn", "health_check_failed", { requestId, part, error: describe(error) });
    return { ok: false, error: null };
  } finally {
    clearTimeout(timer);
  }
}
