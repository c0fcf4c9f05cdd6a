import { findOrder, findOrderByTransaction, type Order } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { err, ok, type Result } from "../result.ts";

/** The numbers by which a call names its order. With both, the transaction_id counts. */
export interface OrderNumbers {
  readonly transactionId: string | null;
  readonly outTradeNo: string | null;
}

/** Finds a merchant's order, in either protocol. */
export function locateOrder(
  { sql }: LedgerTransaction,
  mchId: string,
  { transactionId, outTradeNo }: OrderNumbers,
): Result<Order, "no-order" | "no-transaction"> {
  if (transactionId !== null) {
    const order = findOrderByTransaction(sql, mchId, transactionId);
    return order === null ? err("no-transaction") : ok(order);
  }
  const order = findOrder(sql, mchId, outTradeNo ?? "");
  return order === null ? err("no-order") : ok(order);
}
