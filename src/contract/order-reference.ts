import type * as z from "zod";

/** The parameters that name an order, null when missing. */
interface Named {
  readonly order_id: number | null;
  readonly appOrderNo: string | null;
}

/** An order as a request names it. */
export type OrderReference =
  | { readonly kind: "id"; readonly orderId: number }
  | { readonly kind: "app-order-no"; readonly appOrderNo: string };

/** The order named by exactly one of both parameters; null after an issue otherwise. */
export function readOrderReference(
  { order_id, appOrderNo }: Named,
  context: z.RefinementCtx,
): OrderReference | null {
  // They may name different orders: refused, not guessed.
  if (order_id !== null && appOrderNo !== null) {
    context.addIssue({ code: "custom", path: ["order_id"], message: "与 appOrderNo 只能传一个" });
    return null;
  }
  if (order_id !== null) return { kind: "id", orderId: order_id };
  if (appOrderNo !== null) return { kind: "app-order-no", appOrderNo };
  context.addIssue({ code: "custom", path: ["order_id"], message: "必传（或改传 appOrderNo）" });
  return null;
}
