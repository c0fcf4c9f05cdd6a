import {
  WRONG_APP,
  WRONG_MERCHANT,
  type CallFault,
  type NotificationFault,
} from "../ledger/fault-names.ts";
import type { Resource } from "./response.ts";

interface Change {
  readonly name: string;
  readonly to: (value: unknown) => unknown;
}

const CHANGES: Readonly<Partial<Record<CallFault | NotificationFault, Change>>> = {
  "wrong-amount": { name: "amount", to: withOneFenMore },
  "wrong-merchant": { name: "mchid", to: () => WRONG_MERCHANT },
  "wrong-app": { name: "appid", to: () => WRONG_APP },
};

/**
 * A resource altered by the faults `wrong-amount`, `wrong-merchant` and `wrong-app`; other faults
 * leave it as it is. A field that the resource lacks is not added: refunds have no appid.
 */
export function withWrongValues(
  resource: Resource,
  fault: CallFault | NotificationFault | null,
): Resource {
  const change = fault === null ? undefined : CHANGES[fault];
  if (change === undefined || !(change.name in resource)) return resource;
  return { ...resource, [change.name]: change.to(resource[change.name]) };
}

/** Raises the amount that a merchant compares: `total` of an order, `refund` of a refund. */
function withOneFenMore(amount: unknown): unknown {
  if (typeof amount !== "object" || amount === null) return amount;
  const name = "refund" in amount ? "refund" : "total";
  const entries = Object.entries(amount).map(([key, value]): [string, unknown] =>
    key === name || key === `payer_${name}` ? [key, Number(value) + 1] : [key, value],
  );
  return Object.fromEntries(entries);
}
