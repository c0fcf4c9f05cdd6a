import { and, desc, eq, sql, type SQL } from "drizzle-orm";
import type { BillDay } from "../domain/bill/day.ts";
import type { Database } from "./database.ts";
import {
  endOfIds,
  FIRST_ID,
  idPageOf,
  locate,
  partOf,
  type IdPage,
  type PageRequest,
  type Whereabouts,
} from "./id-range.ts";
import { apps, merchants, reconciliations } from "./schema.ts";

/** The comparison of a merchant's day with WeChat's bill. */
export type ReconciliationRow = typeof reconciliations.$inferSelect;

/** Both sides of a day, and the differences. */
export type Totals = Pick<
  ReconciliationRow,
  | "billPayments"
  | "billPaidFen"
  | "billRefunds"
  | "billRefundedFen"
  | "ourPayments"
  | "ourPaidFen"
  | "ourRefunds"
  | "ourRefundedFen"
  | "foreignLines"
  | "foreignFen"
  | "foreignRefundFen"
  | "recovered"
  | "discrepancies"
>;

export const NO_TOTALS: Totals = {
  billPayments: 0,
  billPaidFen: 0,
  billRefunds: 0,
  billRefundedFen: 0,
  ourPayments: 0,
  ourPaidFen: 0,
  ourRefunds: 0,
  ourRefundedFen: 0,
  foreignLines: 0,
  foreignFen: 0,
  foreignRefundFen: 0,
  recovered: 0,
  discrepancies: 0,
};

/** Identifies a merchant's day. */
export interface DayOfMerchant {
  readonly merchantId: number;
  /** `YYYY-MM-DD`, in Beijing. */
  readonly day: string;
}

/**
 * Marks a day as running, with all totals at zero. A day that was waiting or running keeps its
 * attempts, its start time and its reason; one that was done or failed starts again.
 */
export async function beginReconciliation(
  db: Database,
  { merchantId, day }: DayOfMerchant,
  nowAt: number,
): Promise<void> {
  const reset = {
    ...NO_TOTALS,
    state: "running",
    retryAt: null,
    finishedAt: null,
    updatedAt: nowAt,
  } as const;
  const continues = sql`${reconciliations.state} in ('waiting', 'running')`;
  await db
    .insert(reconciliations)
    .values({ ...reset, merchantId, day, attempts: 0, startedAt: nowAt })
    .onConflictDoUpdate({
      target: [reconciliations.merchantId, reconciliations.day],
      set: {
        ...reset,
        reason: sql`case when ${continues} then ${reconciliations.reason} end`,
        attempts: sql`case when ${continues} then ${reconciliations.attempts} else 0 end`,
        startedAt: sql`case when ${continues} then ${reconciliations.startedAt} else ${nowAt} end`,
      },
    });
}

/** Counts an attempt to fetch the bill, before it is made. Returns the row; throws without one. */
export async function countAttempt(
  db: Database,
  day: DayOfMerchant,
  nowAt: number,
): Promise<ReconciliationRow> {
  const [row] = await db
    .update(reconciliations)
    .set({ attempts: sql`${reconciliations.attempts} + 1`, updatedAt: nowAt })
    .where(ofDay(day))
    .returning();
  if (row === undefined) throw new Error("a reconciliation that was never started");
  return row;
}

/** The progress of a day, or how it ended. */
export type DayChanges = Partial<
  Totals & Pick<ReconciliationRow, "state" | "reason" | "retryAt" | "finishedAt">
>;

/** Stores the progress of a day, or how it ended. */
export async function updateReconciliation(
  db: Database,
  day: DayOfMerchant,
  changes: DayChanges,
  nowAt: number,
): Promise<void> {
  await db
    .update(reconciliations)
    .set({ ...changes, updatedAt: nowAt })
    .where(ofDay(day));
}

/** The row with this id, or null. */
export async function findReconciliation(
  db: Database,
  id: number,
): Promise<ReconciliationRow | null> {
  const rows = await db.select().from(reconciliations).where(eq(reconciliations.id, id));
  return rows[0] ?? null;
}

/** The row of this day, or null. */
export async function findReconciliationOf(
  db: Database,
  day: DayOfMerchant,
): Promise<ReconciliationRow | null> {
  const rows = await db.select().from(reconciliations).where(ofDay(day));
  return rows[0] ?? null;
}

/** The filter of the admin API's list; absent fields match everything. */
export interface ReconciliationFilter {
  readonly merchantId?: number | undefined;
  readonly day?: string | undefined;
  readonly state?: ReconciliationRow["state"] | undefined;
}

/** Where the rows of this filter are: one trip. */
export async function locateReconciliations(
  db: Database,
  { merchantId }: ReconciliationFilter,
): Promise<Whereabouts> {
  const bounds = { from: FIRST_ID, until: endOfIds(reconciliations) };
  if (merchantId === undefined) return await locate(db, reconciliations, bounds, []);
  const days = sql`select r.id from ${reconciliations} r where r.merchant_id = ${merchantId}`;
  return await locate(db, reconciliations, bounds, [{ ids: sql`(${days})`, read: days }]);
}

/** A page of the rows that `locateReconciliations` has found, newest first: one trip. */
export async function readReconciliationPage(
  db: Database,
  { merchantId, day, state }: ReconciliationFilter,
  found: Whereabouts,
  { beforeId, limit }: PageRequest,
): Promise<IdPage<ReconciliationRow>> {
  const part = partOf(reconciliations, found, beforeId);
  const rows = await db
    .select()
    .from(reconciliations)
    .where(
      and(
        part.within,
        // The unary plus keeps SQLite on the primary key: a merchant's days have no bound.
        merchantId === undefined ? undefined : sql`+${reconciliations.merchantId} = ${merchantId}`,
        day === undefined ? undefined : eq(reconciliations.day, day),
        state === undefined ? undefined : eq(reconciliations.state, state),
      ),
    )
    .orderBy(desc(reconciliations.id))
    .limit(limit + 1);
  return idPageOf(rows, limit, part);
}

/**
 * At most `limit` days to start or to continue, latest day first: never started, waiting and due,
 * stuck (not updated since `stuckBefore`), or ended before the bill was complete (the operator ran
 * the day while it lasted). Only for merchants with an app, and days since their registration.
 */
export async function dueReconciliations(
  db: Database,
  days: readonly BillDay[],
  nowAt: number,
  stuckBefore: number,
  limit: number,
): Promise<DayOfMerchant[]> {
  const json = JSON.stringify(days.map(({ day, endAt, readyAt }) => [day, endAt, readyAt]));
  return await db.all<DayOfMerchant>(sql`
    with days as (
      select value ->> 0 as day, value ->> 1 as end_at, value ->> 2 as ready_at
      from json_each(${json})
    )
    select m.id as "merchantId", d.day as "day"
    from days d
    join ${merchants} m on m.created_at < d.end_at
    left join ${reconciliations} r on r.merchant_id = m.id and r.day = d.day
    where exists (select 1 from ${apps} a where a.merchant_id = m.id)
      and (
        r.id is null
        or (r.state = 'waiting' and r.retry_at <= ${nowAt})
        or (r.state = 'running' and r.updated_at <= ${stuckBefore})
        or (r.state in ('done', 'failed') and r.started_at < d.ready_at)
      )
    order by d.day desc, m.id
    limit ${limit}`);
}

function ofDay({ merchantId, day }: DayOfMerchant): SQL | undefined {
  return and(eq(reconciliations.merchantId, merchantId), eq(reconciliations.day, day));
}
