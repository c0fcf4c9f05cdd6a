import type { Books } from "./books.ts";
import { takeNotificationFault, type NotificationFault } from "./faults.ts";
import { findMerchant, type Merchant } from "./merchants.ts";
import { paymentMessage, refundMessage } from "./messages.ts";
import { insertNotification, type Draft } from "./notifications.ts";
import type { Order } from "./orders.ts";
import type { Refund, RefundResult } from "./refunds.ts";

/** How late a `late` notification is unless the fault says. */
const DEFAULT_LATE_MS = 30_000;

/** Tells the merchant that an order is paid, with the fault that is due, if any. */
export function notifyPayment(books: Books, order: Order): void {
  announcePayment(books, order, false);
}

/** Claims a payment that has not happened, if the fault `before-its-time` is due. */
export function notifyPaymentTooEarly(books: Books, order: Order): void {
  announcePayment(books, order, true);
}

/** Tells the merchant what a refund has come to, with the fault that is due, if any. */
export function notifyRefund(
  books: Books,
  refund: Refund,
  order: Order,
  status: RefundResult,
): void {
  announceRefund(books, refund, order, status, false);
}

/** Claims a success of a refund that is still PROCESSING, if the fault `before-its-time` is due. */
export function notifyRefundTooEarly(books: Books, refund: Refund, order: Order): void {
  announceRefund(books, refund, order, "SUCCESS", true);
}

function announcePayment(books: Books, order: Order, early: boolean): void {
  const { sql, now } = books;
  const fault = takeNotificationFault(sql, "pay", order.outTradeNo, early);
  if (early && fault === undefined) return;
  const body = paymentMessage(order, merchantOf(books, order), fault?.fault, now);
  schedule(books, fault, {
    kind: "pay",
    mchId: order.mchId,
    outTradeNo: order.outTradeNo,
    outRefundNo: null,
    url: order.params["notify_url"] ?? "",
    body,
  });
}

function announceRefund(
  books: Books,
  refund: Refund,
  order: Order,
  status: RefundResult,
  early: boolean,
): void {
  const url = refund.params["notify_url"];
  // Without a notify_url WeChat uses the merchant platform's setting, which the sandbox has not.
  if (url === undefined) return;
  const { sql, now } = books;
  const fault = takeNotificationFault(sql, "refund", order.outTradeNo, early);
  if (early && fault === undefined) return;
  const merchant = merchantOf(books, order);
  const body = refundMessage(refund, order, merchant, status, fault?.fault, now);
  schedule(books, fault, {
    kind: "refund",
    mchId: order.mchId,
    outTradeNo: order.outTradeNo,
    outRefundNo: refund.outRefundNo,
    url,
    body,
  });
}

function schedule(
  { sql, now }: Books,
  fault: { fault: NotificationFault; delayMs?: number | undefined } | undefined,
  draft: Omit<Draft, "nextAt">,
): void {
  const delayMs = fault?.delayMs ?? (fault?.fault === "late" ? DEFAULT_LATE_MS : 0);
  const nextAt = fault?.fault === "never" ? null : now + delayMs;
  insertNotification(sql, { ...draft, nextAt });
  // Several of WeChat's servers may send the same notification within seconds.
  if (fault?.fault === "twice") insertNotification(sql, { ...draft, nextAt });
}

function merchantOf({ sql }: Books, order: Order): Merchant {
  const merchant = findMerchant(sql, order.mchId);
  if (merchant === undefined) throw new Error(`no merchant ${order.mchId} for an order of its`);
  return merchant;
}
