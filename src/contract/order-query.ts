import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  APP_NUMBER_LIMIT,
  appNumber,
  characters,
  ID_LIMIT,
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
  .transform(({ order_id, appOrderNo, sync, refunds }, context): OrderQuery => {
    // They may name different orders: refused, not guessed.
    if (order_id !== null && appOrderNo !== null) {
      context.addIssue({ code: "custom", path: ["order_id"], message: "与 appOrderNo 只能传一个" });
      return z.NEVER;
    }
    const wanted = { sync: sync === "1", refunds: refunds === "1" };
    if (order_id !== null) return { by: { kind: "id", orderId: order_id }, ...wanted };
    if (appOrderNo !== null) return { by: { kind: "app-order-no", appOrderNo }, ...wanted };
    context.addIssue({ code: "custom", path: ["order_id"], message: "必传（或改传 appOrderNo）" });
    return z.NEVER;
  });

/** Contract: order. The first invalid parameter is a 501; see `readFields`. */
export function parseOrderQuery(parameters: Parameters): Result<OrderQuery, Refusal> {
  return readFields(schema, parameters);
}
