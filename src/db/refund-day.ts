import { sql, type SQL } from "drizzle-orm";
import { beijingDayAround } from "../domain/beijing-time.ts";
import type { Database } from "./database.ts";
import { refunds } from "./schema.ts";

/**
 * The condition of a statement that asks for `refundFen`: with it, the app's refunds of `nowAt`'s day
 * in Beijing stay within the limit. In the statement itself, because refunds of the app's other orders
 * run at the same time, each in an object of its own. Undefined without a limit: nothing is summed.
 */
export function isWithinDay(
  appId: number,
  refundFen: SQL,
  maxFenPerDay: number | null,
  nowAt: number,
): SQL | undefined {
  return maxFenPerDay === null
    ? undefined
    : sql`(select coalesce(sum(refund_fen), 0) from refunds where ${countsForDay(appId, nowAt)})
        + ${refundFen} <= ${maxFenPerDay}`;
}

/** What the app's refunds of `nowAt`'s day that count for its limit add up to. */
export async function countRefundedFen(
  db: Database,
  appId: number,
  nowAt: number,
): Promise<number> {
  const rows = await db
    .select({ fen: sql<number>`coalesce(sum(refund_fen), 0)` })
    .from(refunds)
    .where(countsForDay(appId, nowAt));
  return rows[0]?.fen ?? 0;
}

/**
 * Refused and closed refunds don't count: no money leaves. Nor do those that a person made in the
 * merchant platform: the limit bounds what the app's own requests can do. The expression of the time is
 * that of the index `refunds_app_day`.
 */
function countsForDay(appId: number, nowAt: number): SQL {
  const { startAt, endAt } = beijingDayAround(nowAt);
  const askedAt = sql`case when resent_at is null then created_at else resent_at end`;
  return sql`source = 'app' and app_id = ${appId} and ${askedAt} >= ${startAt}
    and ${askedAt} < ${endAt} and state not in ('refused', 'closed')`;
}
