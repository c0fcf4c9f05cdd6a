import type { Books } from "../ledger/books.ts";
import { treatmentOf } from "../ledger/fault-names.ts";
import { takeNotificationFault, type StruckNotification } from "../ledger/faults.ts";
import { findMerchant, type Merchant } from "../ledger/merchants.ts";
import { insertNotification, type Draft } from "../ledger/notifications.ts";
import { protocolOf, type Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import { readSettings } from "../ledger/settings.ts";
import { paymentBody, refundBody } from "./bodies.ts";

/** How late a `late` notification is unless the fault says. */
const DEFAULT_LATE_MS = 30_000;
/** How long after a signature probe the real notification comes, before `notifyScale`. */
const AFTER_PROBE_MS = 1000;

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
  const { mchId, outTradeNo } = order;
  const protocol = protocolOf(order);
  const fault = takeNotificationFault(books.sql, { protocol, kind: "pay", outTradeNo, early });
  if (early && fault === undefined) return;
  schedule(books, fault, {
    protocol,
    kind: "pay",
    mchId,
    outTradeNo,
    outRefundNo: null,
    url: order.terms.notifyUrl,
    body: paymentBody(order, merchantOf(books, order), fault?.fault, books.now),
  });
}

function announceRefund(
  books: Books,
  refund: Refund,
  order: Order,
  status: RefundResult,
  early: boolean,
): void {
  const { protocol, notifyUrl, outRefundNo } = refund;
  // Without a notify_url WeChat uses the merchant platform's setting, which the sandbox has not.
  if (notifyUrl === null) return;
  const { mchId, outTradeNo } = order;
  const fault = takeNotificationFault(books.sql, { protocol, kind: "refund", outTradeNo, early });
  if (early && fault === undefined) return;
  const merchant = merchantOf(books, order);
  schedule(books, fault, {
    protocol,
    kind: "refund",
    mchId,
    outTradeNo,
    outRefundNo,
    url: notifyUrl,
    body: refundBody(refund, order, merchant, status, fault?.fault, books.now),
  });
}

/** Puts a notification on the schedule. One that can't be written (null) is never sent. */
function schedule(
  { sql, now }: Books,
  fault: StruckNotification | undefined,
  { body, ...facts }: Omit<Draft, "nextAt" | "treatment" | "body"> & { body: string | null },
): void {
  const { probeRate, notifyScale } = readSettings(sql);
  const never = body === null || fault?.fault === "never";
  const at = now + (fault?.delayMs ?? (fault?.fault === "late" ? DEFAULT_LATE_MS : 0));
  const draft = { ...facts, body: body ?? "" };
  const treatment =
    facts.protocol === "v3" ? (treatmentOf(fault?.fault, fault?.header) ?? null) : null;
  const chance = facts.protocol === "v3" && fault === undefined && Math.random() < probeRate;
  if (!never && (chance || treatment?.kind === "probe")) {
    insertNotification(sql, { ...draft, treatment: { kind: "probe" }, nextAt: at });
    const afterwards = at + Math.round(AFTER_PROBE_MS * notifyScale);
    insertNotification(sql, { ...draft, treatment: null, nextAt: afterwards });
    return;
  }
  const nextAt = never ? null : at;
  insertNotification(sql, { ...draft, treatment, nextAt });
  // Several of WeChat's servers may send the same notification within seconds.
  if (fault?.fault === "twice") insertNotification(sql, { ...draft, treatment, nextAt });
}

function merchantOf({ sql }: Books, order: Order): Merchant {
  const merchant = findMerchant(sql, order.mchId);
  if (merchant === undefined) throw new Error(`no merchant ${order.mchId} for an order of its`);
  return merchant;
}
