import type * as z from "zod";
import { isAbsent } from "./fields.ts";

/** An order as a request names it. */
export type OrderReference =
  | { readonly kind: "id"; readonly orderId: number }
  | { readonly kind: "app-order-no"; readonly appOrderNo: string };

/**
 * An issue unless exactly one of both parameters was sent: two may name different orders, which is
 * refused, not guessed. For a rule beside other faults, so a value may be invalid.
 */
export function checkOrderReference(
  { order_id, appOrderNo }: { readonly order_id: unknown; readonly appOrderNo: unknown },
  context: z.RefinementCtx,
): void {
  if (isAbsent(order_id) !== isAbsent(appOrderNo)) return;
  const message = isAbsent(order_id) ? "必传（或改传 appOrderNo）" : "与 appOrderNo 只能传一个";
  context.addIssue({ code: "custom", path: ["order_id"], message });
}

/** The order that valid parameters name. Throws without one: `checkOrderReference` refuses that. */
export function orderReferenceOf({
  order_id,
  appOrderNo,
}: {
  readonly order_id: number | null;
  readonly appOrderNo: string | null;
}): OrderReference {
  if (order_id !== null) return { kind: "id", orderId: order_id };
  if (appOrderNo !== null) return { kind: "app-order-no", appOrderNo };
  throw new Error("a request without a number is refused before");
}
