import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  APP_NUMBER_LIMIT,
  appNumber,
  BESIDE_OTHER_FAULTS,
  characters,
  ID_LIMIT,
  type Limits,
  optional,
  optionalInteger,
  readFields,
} from "./fields.ts";
import { checkOrderReference, orderReferenceOf, type OrderReference } from "./order-reference.ts";
import type { Parameters } from "./parameter-set.ts";

/** A validated query for an order. */
export interface OrderQuery {
  readonly by: OrderReference;
  /** Whether to query WeChat before responding. */
  readonly sync: boolean;
  /** Whether to list all refunds. */
  readonly refunds: boolean;
}

export const ORDER_QUERY_LIMITS = {
  order_id: ID_LIMIT,
  appOrderNo: APP_NUMBER_LIMIT,
  sync: characters(1),
  refunds: characters(1),
} satisfies Limits;

const flag = optional((value) => (value === "0" || value === "1" ? null : "只能是 0 或 1"));

const schema = z
  .object({
    order_id: optionalInteger(Number.MAX_SAFE_INTEGER),
    appOrderNo: appNumber,
    sync: flag,
    refunds: flag,
  })
  .superRefine(checkOrderReference, BESIDE_OTHER_FAULTS)
  .transform(({ order_id, appOrderNo, sync, refunds }): OrderQuery => ({
    by: orderReferenceOf({ order_id, appOrderNo }),
    sync: sync === "1",
    refunds: refunds === "1",
  }));

/** Contract: order. Invalid parameters are a 501; see `readFields`. */
export function parseOrderQuery(parameters: Parameters): Result<OrderQuery, Refusal> {
  return readFields(schema, Object.keys(ORDER_QUERY_LIMITS), parameters);
}
