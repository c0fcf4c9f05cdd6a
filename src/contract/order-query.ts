import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  APP_NUMBER_LIMIT,
  appNumber,
  BESIDE_OTHER_FAULTS,
  characters,
  ID_LIMIT,
  isAbsent,
  type Limits,
  optional,
  optionalInteger,
  readFields,
} from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";

/** A validated query for an order. */
export interface OrderQuery {
  readonly by:
    | { readonly kind: "id"; readonly orderId: number }
    | { readonly kind: "app-order-no"; readonly appOrderNo: string };
  /** Whether to query WeChat before responding. */
  readonly sync: boolean;
}

export const ORDER_QUERY_LIMITS = {
  order_id: ID_LIMIT,
  appOrderNo: APP_NUMBER_LIMIT,
  sync: characters(1),
} satisfies Limits;

const schema = z
  .object({
    order_id: optionalInteger(Number.MAX_SAFE_INTEGER),
    appOrderNo: appNumber,
    sync: optional((value) => (value === "0" || value === "1" ? null : "只能是 0 或 1")),
  })
  .superRefine(({ order_id, appOrderNo }, context) => {
    if (isAbsent(order_id) !== isAbsent(appOrderNo)) return;
    // Both may name different orders: refused, not guessed.
    const message = isAbsent(order_id) ? "必传（或改传 appOrderNo）" : "与 appOrderNo 只能传一个";
    context.addIssue({ code: "custom", path: ["order_id"], message });
  }, BESIDE_OTHER_FAULTS)
  .transform(({ order_id, appOrderNo, sync }): OrderQuery => {
    const isSync = sync === "1";
    if (order_id !== null) return { by: { kind: "id", orderId: order_id }, sync: isSync };
    if (appOrderNo !== null) return { by: { kind: "app-order-no", appOrderNo }, sync: isSync };
    throw new Error("a query without a number is refused above");
  });

/** Contract: order. Invalid parameters are a 501; see `readFields`. */
export function parseOrderQuery(parameters: Parameters): Result<OrderQuery, Refusal> {
  return readFields(schema, Object.keys(ORDER_QUERY_LIMITS), parameters);
}
