import type { Books } from "../ledger/books.ts";
import { findByTransaction, findOrder, type Order } from "../ledger/orders.ts";
import { allowed, forbidden, type Ruling } from "./refusal.ts";

/** The numbers by which a call names its order: transaction_id counts when both are given. */
export interface OrderNumbers {
  transactionId: string | undefined;
  outTradeNo: string | undefined;
}

/** Finds a merchant's order, by whichever protocol it was made. */
export function locateOrder(
  { sql }: Books,
  mchId: string,
  { transactionId, outTradeNo = "" }: OrderNumbers,
): Ruling<Order> {
  const byTransaction = transactionId !== undefined;
  const order = byTransaction
    ? findByTransaction(sql, mchId, transactionId)
    : findOrder(sql, mchId, outTradeNo);
  if (order !== undefined) return allowed(order);
  return forbidden(byTransaction ? "no-transaction" : "no-order");
}
