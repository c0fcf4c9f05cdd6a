import { conflict, granted, missing, type Books, type Outcome } from "../ledger/books.ts";
import { bridgeFault, type Bridge } from "./bridge.ts";
import { recordCall } from "../ledger/calls.ts";
import { findMerchant } from "../ledger/merchants.ts";
import { notifyPayment } from "../notify/announce.ts";
import { findAnyOrder, setPaid, setTradeState, type Order } from "../ledger/orders.ts";

export interface PayOptions {
  /** Whether the merchant is notified; true when absent. */
  notify?: boolean | undefined;
  /** What the merchant's page handed to WeChat; checked as WeChat's client does, when given. */
  bridge?: Bridge | undefined;
}

/** The payer pays an order. Conflict, with the reason, when it can't be paid. */
export function pay(books: Books, outTradeNo: string, options: PayOptions): Outcome<null> {
  const found = waiting(books, outTradeNo);
  if (!found.ok) return found;
  const order = found.value;
  const { sql, now } = books;
  if (order.expiresAt !== null && order.expiresAt <= now) {
    return conflict("the order's time_expire has passed");
  }
  if (options.bridge !== undefined) {
    const merchant = findMerchant(sql, order.mchId);
    if (merchant === undefined) return missing(`no merchant ${order.mchId}`);
    const fault = bridgeFault(books, order, options.bridge, merchant);
    if (fault !== undefined) return conflict(fault);
  }
  setPaid(sql, order, now);
  recordCall(books, { path: "payer", outTradeNo, outcome: "paid" });
  if (options.notify !== false) {
    notifyPayment(books, { ...order, state: "SUCCESS", paidAt: now });
  }
  return granted(null);
}

/** The payer tries and fails: the order stays NOTPAY, and nobody is told. */
export function failToPay(books: Books, outTradeNo: string): Outcome<null> {
  const found = waiting(books, outTradeNo);
  if (!found.ok) return found;
  recordCall(books, { path: "payer", outTradeNo, outcome: "payment failed" });
  return granted(null);
}

/** WeChat closes an unpaid order by itself, however young it is. */
export function closeByWeChat(books: Books, outTradeNo: string): Outcome<null> {
  const found = waiting(books, outTradeNo);
  if (!found.ok) return found;
  setTradeState(books.sql, found.value, "CLOSED");
  recordCall(books, { path: "wechat", outTradeNo, outcome: "closed the order" });
  return granted(null);
}

/** WeChat sends the payment notification once more, now, as a new notification. */
export function notifyPaymentAgain(books: Books, outTradeNo: string): Outcome<null> {
  const order = findAnyOrder(books.sql, outTradeNo);
  if (order === undefined) return missing(`no order ${outTradeNo}`);
  if (order.paidAt === null)
    return conflict(`the order is ${order.state}: there is nothing to tell`);
  notifyPayment(books, order);
  return granted(null);
}

function waiting({ sql }: Books, outTradeNo: string): Outcome<Order> {
  const order = findAnyOrder(sql, outTradeNo);
  if (order === undefined) return missing(`no order ${outTradeNo}`);
  return order.state === "NOTPAY" ? granted(order) : conflict(`the order is ${order.state}`);
}
