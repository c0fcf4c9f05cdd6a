import type { OrderRow } from "../db/rows.ts";
import { PAYMENT_UNKNOWN_AFTER_MS } from "../domain/polling.ts";
import type { OrderContext } from "./context.ts";
import { resolveIncident } from "./incidents.ts";

/**
 * The payment's outcome is known: resolves the incident that says otherwise. Before its time none
 * can have been opened, so no trip is made.
 */
export async function resolvePaymentUnknown(
  context: OrderContext,
  order: Pick<OrderRow, "expiresAt">,
): Promise<void> {
  if (Date.now() < order.expiresAt + PAYMENT_UNKNOWN_AFTER_MS) return;
  await resolveIncident(
    context,
    { kind: "payment_outcome_unknown", refundNo: null },
    "The gateway: it is known now whether the order is paid.",
  );
}
