import { recordCall } from "../ledger/calls.ts";
import { conflict, notFound, type ControlResult } from "../ledger/control-result.ts";
import { findMerchant } from "../ledger/merchants.ts";
import { findAnyOrder, markOrderPaid, setTradeState, type Order } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { notifyPayment } from "../notify/schedule.ts";
import { ok } from "../result.ts";
import { checkBridge, type Bridge } from "./bridge.ts";

/** How the payer pays. */
export interface PayOptions {
  /** Whether the merchant is notified; true when absent. */
  readonly notify?: boolean | undefined;
  /** The bridge parameters of the merchant's page; checked as WeChat's client does, when given. */
  readonly bridge?: Bridge | undefined;
}

/** The payer pays an order. Conflict, with the reason, when it can't be paid. */
export function pay(
  ledger: LedgerTransaction,
  outTradeNo: string,
  options: PayOptions,
): ControlResult<null> {
  const found = findUnpaid(ledger, outTradeNo);
  if (!found.ok) return found;
  const order = found.value;
  const { sql, now } = ledger;
  if (order.expiresAt !== null && order.expiresAt <= now) {
    return conflict("the order's time_expire has passed");
  }
  if (options.bridge !== undefined) {
    const merchant = findMerchant(sql, order.mchId);
    if (merchant === null) return notFound(`no merchant ${order.mchId}`);
    const reason = checkBridge(ledger, order, options.bridge, merchant);
    if (reason !== null) return conflict(reason);
  }
  markOrderPaid(sql, order, now);
  recordCall(ledger, { path: "payer", outTradeNo, outcome: "paid" });
  if (options.notify !== false) {
    notifyPayment(ledger, { ...order, state: "SUCCESS", paidAt: now });
  }
  return ok(null);
}

/** The payer's attempt fails: the order stays NOTPAY, and no notification is sent. */
export function failPayment(ledger: LedgerTransaction, outTradeNo: string): ControlResult<null> {
  const found = findUnpaid(ledger, outTradeNo);
  if (!found.ok) return found;
  recordCall(ledger, { path: "payer", outTradeNo, outcome: "payment failed" });
  return ok(null);
}

/** WeChat closes an unpaid order on its own, regardless of its age. */
export function closeByWeChat(ledger: LedgerTransaction, outTradeNo: string): ControlResult<null> {
  const found = findUnpaid(ledger, outTradeNo);
  if (!found.ok) return found;
  setTradeState(ledger.sql, found.value, "CLOSED");
  recordCall(ledger, { path: "wechat", outTradeNo, outcome: "closed the order" });
  return ok(null);
}

/** WeChat sends the payment notification again at once, as a new notification. */
export function notifyPaymentAgain(
  ledger: LedgerTransaction,
  outTradeNo: string,
): ControlResult<null> {
  const order = findAnyOrder(ledger.sql, outTradeNo);
  if (order === null) return notFound(`no order ${outTradeNo}`);
  if (order.paidAt === null)
    return conflict(`the order is ${order.state}: there is nothing to tell`);
  notifyPayment(ledger, order);
  return ok(null);
}

function findUnpaid({ sql }: LedgerTransaction, outTradeNo: string): ControlResult<Order> {
  const order = findAnyOrder(sql, outTradeNo);
  if (order === null) return notFound(`no order ${outTradeNo}`);
  return order.state === "NOTPAY" ? ok(order) : conflict(`the order is ${order.state}`);
}
