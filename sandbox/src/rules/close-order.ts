import type { LedgerTransaction } from "../ledger/transaction.ts";
import { setTradeState, type Order } from "../ledger/orders.ts";
import { readSettings } from "../ledger/settings.ts";
import { err, ok, type Result } from "../result.ts";
import type { Refusal } from "./refusal.ts";

/** Closes an unpaid order for the merchant. Closing a closed order succeeds. */
export function closeOrder({ sql, now }: LedgerTransaction, order: Order): Result<null, Refusal> {
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return err("order-paid");
    case "CLOSED":
      return ok(null);
    case "NOTPAY":
      break;
  }
  if (now - order.createdAt < readSettings(sql).closeAfterMs) {
    return err("order-too-young-to-close");
  }
  setTradeState(sql, order, "CLOSED");
  return ok(null);
}
