import type { Context } from "hono";
import { readHealth, type HealthFacts } from "./db/database.ts";
import { apps } from "./db/schema.ts";
import { isMerchantIncident, warningOf } from "./domain/merchant-incidents.ts";
import { openFrom } from "./db/secrets.ts";
import type { GatewayEnv } from "./env.ts";
import { ok, type Result } from "./lib/result.ts";
import type { MasterKey } from "./lib/secret-box.ts";
import { TtlCache } from "./lib/ttl-cache.ts";
import { describe, log } from "./observability/log.ts";
import { orderObject } from "./orders/stub.ts";

/** Shorter than the timeout of usual monitors. */
const CHECK_TIMEOUT_MS = 3_000;
/** How long an isolate reuses its findings, so that many monitors cost no more than one. */
const FINDINGS_MAX_AGE_MS = 5_000;
/** The name of an object without an order: nothing is ever stored in it. */
const PROBE = "health";
/** The schedule runs every ten minutes; after this long without a run it is broken. */
const MAX_SILENCE_MS = 3600_000;

const FAULTS = {
  database: "the database does not answer, or lacks a migration",
  secrets: "a stored secret opens under neither MASTER_KEY nor MASTER_KEY_PREVIOUS",
  objects: "the orders' objects do not answer",
  schedule: "the schedule has not run for over an hour",
} as const;

interface Findings {
  readonly faults: readonly string[];
  /** Merchants that can't work: a person is needed, but the gateway serves. */
  readonly warnings: readonly string[];
}

const findings = new TtlCache<Findings, never>();

/** GET /health: 200 while the gateway works, with warnings if there are any, else 503 with its faults. */
export async function health(c: Context<GatewayEnv>): Promise<Response> {
  const found = await findings.get(
    "",
    Date.now(),
    async () => ok(await inspect(c)),
    FINDINGS_MAX_AGE_MS,
  );
  const { faults, warnings } = found.ok ? found.value : { faults: [], warnings: [] };
  const warned = warnings.length === 0 ? {} : { warnings };
  return faults.length === 0
    ? c.json({ ok: true, ...warned })
    : c.json({ ok: false, faults, ...warned }, 503);
}

async function inspect(c: Context<GatewayEnv>): Promise<Findings> {
  const { db, settings } = c.get("work");
  const masterKey = await settings.masterKey();
  const [facts, reached] = await Promise.all([
    withTimeout(c, "database", async () => await readHealth(db, masterKey)),
    withTimeout(c, "objects", async () => await orderObject(c.env, PROBE).ping()),
  ]);
  const faults = [];
  if (facts.ok) faults.push(...(await faultsIn(c, facts.value, masterKey)));
  else faults.push(FAULTS.database);
  if (!reached.ok) faults.push(FAULTS.objects);
  if (faults.length > 0) {
    log("error", "unhealthy", { requestId: c.get("requestId"), faults: faults.join("; ") });
  }
  const incidents = facts.ok ? facts.value.merchantIncidents : [];
  const warnings = incidents.flatMap(({ kind, merchantId }) =>
    isMerchantIncident(kind) ? warningOf(kind, merchantId) : [],
  );
  return { faults, warnings };
}

async function faultsIn(
  c: Context<GatewayEnv>,
  { secret, unreadable, scheduledAt }: HealthFacts,
  masterKey: MasterKey,
): Promise<string[]> {
  const { config } = c.get("work");
  const faults = [];
  // One is opened too: the right key's name doesn't prove that a text wasn't tampered with.
  const opened =
    secret === null
      ? null
      : await openFrom(apps.saltSealed, secret.appId, secret.saltSealed, masterKey);
  if (unreadable > 0 || opened?.ok === false) faults.push(FAULTS.secrets);
  // `wrangler dev` runs no schedule.
  if (config.environment !== "development" && hasScheduleStopped(scheduledAt, Date.now())) {
    faults.push(FAULTS.schedule);
  }
  return faults;
}

/**
 * Whether the schedule has stopped; false before its first run, so that a new deployment is healthy.
 * @param scheduledAt when it last ran, Unix ms; null before the first run
 */
export function hasScheduleStopped(scheduledAt: number | null, nowAt: number): boolean {
  return scheduledAt !== null && nowAt - scheduledAt > MAX_SILENCE_MS;
}

/** The result of `work` within the timeout. On failure the log has the reason. */
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
