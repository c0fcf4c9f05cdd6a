import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  APP_NUMBER_LIMIT,
  appNumber,
  characters,
  ID_LIMIT,
  type Limits,
  optionalInteger,
  platform,
  readFields,
} from "./fields.ts";
import { readOrderReference, type OrderReference } from "./order-reference.ts";
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
  .transform((named, context): OrderReference => readOrderReference(named, context) ?? z.NEVER);

/**
 * Contract: close-order. Returns the order to withdraw. The first invalid parameter is a 501; see
 * `readFields`.
 */
export function parseCloseOrder(parameters: Parameters): Result<OrderReference, Refusal> {
  return readFields(schema, parameters);
}
