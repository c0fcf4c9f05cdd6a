import { CREATE_ORDER_LIMITS, parseCreateOrder } from "../contract/create-order.ts";
import { CLOSE_ORDER_LIMITS, parseCloseOrder } from "../contract/close-order.ts";
import { isOversized, type Limits } from "../contract/fields.ts";
import { ORDER_QUERY_LIMITS, parseOrderQuery } from "../contract/order-query.ts";
import { misspeltNames } from "../contract/near-names.ts";
import type { Parameters } from "../contract/parameters.ts";
import { parseRefundMoney, REFUND_MONEY_LIMITS } from "../contract/refund-money.ts";
import { faultsOf, type Fault, type Refusal } from "../contract/refusal.ts";
import type { Result } from "../lib/result.ts";
import type { Endpoint } from "./request-signature.ts";

interface Contract {
  readonly limits: Limits;
  readonly parse: (parameters: Parameters) => Result<unknown, Refusal>;
}

const CONTRACTS: Readonly<Record<Endpoint, Contract>> = {
  "create-order": { limits: CREATE_ORDER_LIMITS, parse: parseCreateOrder },
  "close-order": { limits: CLOSE_ORDER_LIMITS, parse: parseCloseOrder },
  "refund-money": { limits: REFUND_MONEY_LIMITS, parse: parseRefundMoney },
  order: { limits: ORDER_QUERY_LIMITS, parse: parseOrderQuery },
};

/**
 * The refusal of a request in which a value is longer than the contract allows: the one that it would
 * get with a valid signature. Null for any other. Checked before the signature, which is computed over
 * all values, in each rendering.
 */
export function oversizedRefusal(endpoint: Endpoint, parameters: Parameters): Refusal | null {
  const { limits, parse } = CONTRACTS[endpoint];
  if (!isOversized(limits, parameters)) return null;
  const parsed = parse(parameters);
  return parsed.ok ? null : parsed.error;
}

/**
 * What else is wrong with the parameters of a request that is refused for another fault: those that the
 * contract refuses; without one, those that were probably misspelt.
 */
export function furtherFaults(endpoint: Endpoint, parameters: Parameters): readonly Fault[] {
  const { limits, parse } = CONTRACTS[endpoint];
  const parsed = parse(parameters);
  if (!parsed.ok) return faultsOf(parsed.error);
  const names = Object.keys(limits);
  return misspeltNames(names, names, parameters);
}
