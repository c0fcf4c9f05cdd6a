import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { recordIncident } from "../db/incidents.ts";
import { log } from "../observability/log.ts";
import type { RunContext } from "./run.ts";

/** So many of a day's differences become incidents of their own; the rest are counted. */
export const MAX_LISTED_DIFFERENCES = 100;

/** A difference between a day's bill and the record. */
export interface Difference {
  readonly kind: IncidentKind;
  /** Which of the day's trades; "" for the day as a whole. */
  readonly trade: string;
  readonly orderNumber: string | null;
  readonly facts: IncidentFacts;
}

/**
 * Puts a difference before a person. The same one, found again by another run of the day, is the
 * same incident.
 */
export async function openIncident(
  { db, merchantId, day: { day }, meter: { requestId } }: RunContext,
  { kind, trade, orderNumber, facts }: Difference,
): Promise<void> {
  const known = { day, ...facts };
  log("error", kind, { requestId, merchant: merchantId, order: orderNumber, ...known });
  const subject = trade === "" ? `${merchantId}:${day}` : `${merchantId}:${day}:${trade}`;
  await recordIncident(
    db,
    { kind, subject, merchantId, orderNumber, requestId: requestId ?? null, facts: known },
    Date.now(),
  );
}

/**
 * Puts a day's differences before a person, as far as they are listed one by one.
 * @param before how many the day has had before
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
