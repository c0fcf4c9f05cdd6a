import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { recordIncident } from "../db/incidents.ts";
import { log } from "../observability/log.ts";
import type { Run, RunContext } from "./run.ts";

/** Differences of a day that become incidents of their own; further ones are only counted. */
export const MAX_LISTED_DIFFERENCES = 100;

/** A difference between a day's bill and the record. */
export interface Difference {
  readonly kind: IncidentKind;
  /** Identifies the trade within the day; "" for the day as a whole. */
  readonly trade: string;
  readonly orderNumber: string | null;
  readonly facts: IncidentFacts;
}

/** Opens an incident for a difference. Another run of the day that finds it again counts it there. */
export async function openIncident(
  { db, merchantId, day: { day }, meter: { requestId } }: RunContext,
  { kind, trade, orderNumber, facts }: Difference,
): Promise<void> {
  const dayFacts = { day, ...facts };
  log("error", kind, { requestId, merchant: merchantId, order: orderNumber, ...dayFacts });
  const subject = trade === "" ? `${merchantId}:${day}` : `${merchantId}:${day}:${trade}`;
  await recordIncident(
    db,
    { kind, subject, merchantId, orderNumber, requestId: requestId ?? null, facts: dayFacts },
    Date.now(),
  );
}

/** The differences of our own orders so far: these are listed before the unrecorded ones. */
export function listedOf({ totals, unrecorded }: Run): number {
  return totals.discrepancies - unrecorded.count;
}

/**
 * Opens an incident for each difference, up to the day's limit.
 * @param before the number of differences found earlier on this day
 */
export async function openIncidents(
  context: RunContext,
  differences: readonly Difference[],
  before: number,
): Promise<void> {
  for (const difference of differences.slice(0, Math.max(MAX_LISTED_DIFFERENCES - before, 0))) {
    await openIncident(context, difference);
  }
}
