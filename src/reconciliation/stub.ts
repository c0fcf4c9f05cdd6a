import type { DayOfMerchant } from "../db/reconciliations.ts";
import type { ReconciliationObject } from "./reconciliation-object.ts";

/** The object of this day of this merchant. */
export function reconciliationObject(
  env: Env,
  { merchantId, day }: DayOfMerchant,
): DurableObjectStub<ReconciliationObject> {
  return env.RECONCILIATION_OBJECT.getByName(`${merchantId}:${day}`);
}
