import { recordIncident, resolveOpenIncident } from "../db/incidents.ts";
import type { IncidentFacts, IncidentKind } from "../domain/incidents.ts";
import { closeEventId } from "../contract/callback/content.ts";
import { log } from "../observability/log.ts";
import type { OrderContext } from "./context.ts";
import type { DeliveryName } from "./timers.ts";

/** An incident about an order; the order's number comes from the context. */
export interface OrderIncident {
  readonly kind: IncidentKind;
  /** The refund that it is about; null for the order itself. */
  readonly refundNo: string | null;
  /** Null when it isn't known. */
  readonly merchantId: number | null;
  /** Instead of the refund's or the order's number: what several orders share, or one of its events. */
  readonly subject?: string;
  readonly facts?: IncidentFacts;
}

/**
 * Opens an incident about this order, with a line in the log. Throws when D1 does, so that the work
 * that found it is repeated.
 */
export async function openIncident(
  { db, number, meter: { requestId } }: OrderContext,
  { kind, refundNo, merchantId, subject, facts = {} }: OrderIncident,
): Promise<void> {
  const allFacts = refundNo === null ? facts : { ...facts, refundNo };
  log("error", kind, { requestId, order: number, ...allFacts });
  await recordIncident(
    db,
    {
      kind,
      subject: subject ?? subjectOf(number, refundNo),
      merchantId,
      orderNumber: number,
      requestId: requestId ?? null,
      facts: allFacts,
    },
    Date.now(),
  );
}

/**
 * Resolves the open incident of this kind, if any, because its cause is gone. Takes one trip to D1,
 * so callers call it only when one may have been opened. Throws when D1 does.
 */
export async function resolveIncident(
  { db, number, meter: { requestId } }: OrderContext,
  {
    kind,
    refundNo,
    subject = subjectOf(number, refundNo),
  }: Omit<OrderIncident, "merchantId" | "facts">,
  note: string,
): Promise<void> {
  if (await resolveOpenIncident(db, { kind, subject }, note, Date.now())) {
    log("info", "incident_resolved", { requestId, kind, order: number, subject });
  }
}

/** The subject of an incident about this order, or about one of its refunds. */
export function subjectOf(orderNumber: string, refundNo: string | null): string {
  return refundNo ?? orderNumber;
}

/** The subject of an incident about a delivery. An order's payment and its close are two. */
export function deliverySubject(orderNumber: string, name: DeliveryName): string {
  switch (name.kind) {
    case "deliver-payment":
      return orderNumber;
    case "deliver-refund":
      return name.refundNo;
    case "deliver-close":
      return closeEventId(orderNumber);
  }
}
