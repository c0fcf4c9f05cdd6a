import { OTHER_APP, OTHER_MERCHANT } from "../ledger/wrong.ts";
import type { CallFault, NotificationFault } from "../ledger/fault-names.ts";
import type { Resource } from "./resources.ts";

type Change = { name: string; to: (value: unknown) => unknown };

const CHANGES: Readonly<Partial<Record<CallFault | NotificationFault, Change>>> = {
  "wrong-amount": { name: "amount", to: oneFenMore },
  "wrong-merchant": { name: "mchid", to: () => OTHER_MERCHANT },
  "wrong-app": { name: "appid", to: () => OTHER_APP },
};

/**
 * What the faults `wrong-amount`, `wrong-merchant` and `wrong-app` make of a resource; the others
 * leave it alone. A fact that a resource does not tell can't be wrong: refunds have no appid.
 */
export function withWrongFacts(
  resource: Resource,
  fault: CallFault | NotificationFault | undefined,
): Resource {
  const change = fault && CHANGES[fault];
  if (change === undefined || !(change.name in resource)) return resource;
  return { ...resource, [change.name]: change.to(resource[change.name]) };
}

/** The amounts that a merchant compares: `total` of an order, `refund` of a refund. */
function oneFenMore(amount: unknown): unknown {
  if (typeof amount !== "object" || amount === null) return amount;
  const name = "refund" in amount ? "refund" : "total";
  const entries = Object.entries(amount).map(([key, value]): [string, unknown] =>
    key === name || key === `payer_${name}` ? [key, Number(value) + 1] : [key, value],
  );
  return Object.fromEntries(entries);
}
