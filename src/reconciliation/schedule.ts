import { readyDays } from "../domain/bill/day.ts";
import { connect } from "../db/database.ts";
import { dueReconciliations } from "../db/reconciliations.ts";
import { log } from "../observability/log.ts";
import type { JobContext } from "../settings/wechat-env.ts";
import { reconciliationObject } from "./stub.ts";

/** A day that nobody could do (the gateway was down, the bill out of reach) is tried so long. */
const MAX_DAYS_BACK = 7;
/** Days begun by one run of the schedule; the next run goes on. */
const MAX_DAYS_PER_RUN = 20;
/** A day under way that hasn't been heard of for so long has lost its alarm: its object is woken. */
const STUCK_AFTER_MS = 30 * 60_000;

/** Begins the days whose bills should be there and which aren't done; see db/reconciliations.ts. */
export async function reconcileDueDays({ env }: JobContext): Promise<void> {
  const nowAt = Date.now();
  const days = readyDays(nowAt, MAX_DAYS_BACK);
  const db = connect(env.DB);
  for (const due of await dueReconciliations(
    db,
    days,
    nowAt,
    nowAt - STUCK_AFTER_MS,
    MAX_DAYS_PER_RUN,
  )) {
    const started = await reconciliationObject(env, due).start(due.merchantId, due.day);
    log("info", "reconciliation_begun", { merchant: due.merchantId, day: due.day, started });
  }
}
