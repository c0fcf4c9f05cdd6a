import { dueReconciliations, type DayOfMerchant } from "../db/reconciliations.ts";
import { readyDays } from "../domain/bill/day.ts";
import { log } from "../observability/log.ts";
import type { WorkContext } from "../settings/work-context.ts";
import type { ReconciliationObject } from "./reconciliation-object.ts";

/** A day that failed to reconcile (gateway down, bill unavailable) is retried for this many days. */
const MAX_DAYS_BACK = 7;
/** Days started by one run of the schedule; the next run continues. */
const MAX_DAYS_PER_RUN = 20;
/** A running day without progress for this long has lost its alarm: its object is woken. */
const STUCK_AFTER_MS = 30 * 60_000;

/** Starts the days whose bills should exist and which aren't done; see db/reconciliations.ts. */
export async function reconcileDueDays({ env, db }: WorkContext): Promise<void> {
  const nowAt = Date.now();
  const days = readyDays(nowAt, MAX_DAYS_BACK);
  const stuckBefore = nowAt - STUCK_AFTER_MS;
  for (const due of await dueReconciliations(db, days, nowAt, stuckBefore, MAX_DAYS_PER_RUN)) {
    const started = await reconciliationObject(env, due).start(due.merchantId, due.day);
    log("info", "reconciliation_started", { merchant: due.merchantId, day: due.day, started });
  }
}

/** The object of one merchant's day. */
export function reconciliationObject(
  env: Env,
  { merchantId, day }: DayOfMerchant,
): DurableObjectStub<ReconciliationObject> {
  return env.RECONCILIATION_OBJECT.getByName(`${merchantId}:${day}`);
}
