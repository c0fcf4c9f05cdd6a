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
  optionalInteger,
  platform,
  readFields,
} from "./fields.ts";
import { checkOrderReference, orderReferenceOf, type OrderReference } from "./order-reference.ts";
import type { Parameters } from "./parameter-set.ts";

export const CLOSE_ORDER_LIMITS = {
  platForm: characters(1),
  order_id: ID_LIMIT,
  appOrderNo: APP_NUMBER_LIMIT,
} satisfies Limits;

const schema = z
  .object({
    platForm: platform,
    order_id: optionalInteger(Number.MAX_SAFE_INTEGER),
    appOrderNo: appNumber,
  })
  .superRefine(checkOrderReference, BESIDE_OTHER_FAULTS)
  .transform(orderReferenceOf);

/**
 * Contract: close-order. Returns the order to withdraw. Invalid parameters are a 501; see `readFields`.
 */
export function parseCloseOrder(parameters: Parameters): Result<OrderReference, Refusal> {
  return readFields(schema, Object.keys(CLOSE_ORDER_LIMITS), parameters);
}
