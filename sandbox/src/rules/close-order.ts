import type { Books } from "../ledger/books.ts";
import { setTradeState, type Order } from "../ledger/orders.ts";
import { readSettings } from "../ledger/settings.ts";
import { allowed, forbidden, type Ruling } from "./refusal.ts";

/** The merchant closes an unpaid order. Closing a closed order is fine. */
export function closeOrder({ sql, now }: Books, order: Order): Ruling<null> {
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return forbidden("order-paid");
    case "CLOSED":
      return allowed(null);
    case "NOTPAY":
      break;
  }
  if (now - order.createdAt < readSettings(sql).closeAfterMs) {
    return forbidden("order-too-young-to-close");
  }
  setTradeState(sql, order, "CLOSED");
  return allowed(null);
}
