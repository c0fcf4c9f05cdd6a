import { PAYMENT_UNKNOWN_AFTER_MS } from "../domain/polling.ts";
import type { OrderRow } from "../db/rows.ts";
import type { OrderContext } from "./context.ts";
import { resolveIncident } from "./incidents.ts";

/**
 * It is known what became of an order: ends the incident that says otherwise. Before its time nothing
 * can have been raised, and nothing is looked for.
 */
export async function resolvePaymentUnknown(
  context: OrderContext,
  order: Pick<OrderRow, "expiresAt">,
): Promise<void> {
  if (Date.now() < order.expiresAt + PAYMENT_UNKNOWN_AFTER_MS) return;
  await resolveIncident(
    context,
    { kind: "payment_outcome_unknown", refundNo: "" },
    "The gateway: it is known now whether the order is paid.",
  );
}
