import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { recordIncident, resolveOpenIncident } from "../db/incidents.ts";
import { log } from "../observability/log.ts";
import type { OrderContext } from "./context.ts";

/** What is raised about an order; the object adds the order's number. */
export interface OrderIncident {
  readonly kind: IncidentKind;
  /** A refund's number; "" for the order itself. */
  readonly refundNo: string;
  /** Null when nobody knows. */
  readonly merchantId: number | null;
  readonly facts?: IncidentFacts;
}

/**
 * Puts something about this order before a person: an incident, and a line in the log. Throws when
 * D1 does, so that whatever found it is repeated.
 */
export async function openIncident(
  { db, number }: OrderContext,
  { kind, refundNo, merchantId, facts = {} }: OrderIncident,
): Promise<void> {
  const named = refundNo === "" ? facts : { ...facts, refundNo };
  log("error", kind, { order: number, ...named });
  const subject = subjectOf(number, refundNo);
  await recordIncident(
    db,
    { kind, subject, merchantId, orderNumber: number, facts: named },
    Date.now(),
  );
}

/**
 * What was raised about this order has mended itself: resolves the incident, if it is open. A trip
 * to D1, so callers ask only when one may have been raised. Throws when D1 does.
 */
export async function resolveIncident(
  { db, number }: OrderContext,
  { kind, refundNo }: Pick<OrderIncident, "kind" | "refundNo">,
  note: string,
): Promise<void> {
  const subject = subjectOf(number, refundNo);
  if (await resolveOpenIncident(db, { kind, subject }, note, Date.now())) {
    log("info", "incident_resolved", { kind, order: number, subject });
  }
}

/** What an incident about this order, or about this refund of it, is named by. */
export function subjectOf(orderNumber: string, refundNo: string): string {
  return refundNo === "" ? orderNumber : refundNo;
}
