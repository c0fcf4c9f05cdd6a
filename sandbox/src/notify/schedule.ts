import { tamperingOf } from "../ledger/fault-names.ts";
import { takeNotificationFault, type AppliedNotificationFault } from "../ledger/faults.ts";
import { findMerchant, type Merchant } from "../ledger/merchants.ts";
import { insertNotification, type NotificationDraft } from "../ledger/notifications.ts";
import { protocolOf, type Order } from "../ledger/orders.ts";
import type { Refund, RefundResult } from "../ledger/refunds.ts";
import { readSettings } from "../ledger/settings.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { paymentBody, refundBody } from "./body.ts";

/** The delay of a `late` notification whose fault has no `delayMs`. */
const LATE_MS = 30_000;
/** The time between a signature probe and the real notification, before `notifyScale`. */
const AFTER_PROBE_MS = 1000;

/** Schedules the notification of a payment, with the fault that matches it, if any. */
export function notifyPayment(ledger: LedgerTransaction, order: Order): void {
  schedulePayment(ledger, order, false);
}

/** Schedules the notification of a payment that hasn't happened if `before-its-time` is armed. */
export function notifyPaymentEarly(ledger: LedgerTransaction, order: Order): void {
  schedulePayment(ledger, order, true);
}

/** Schedules the notification of a refund's outcome, with the fault that matches it, if any. */
export function notifyRefund(
  ledger: LedgerTransaction,
  refund: Refund,
  order: Order,
  status: RefundResult,
): void {
  scheduleRefund(ledger, refund, order, status, false);
}

/** Schedules the notification of a success of a PROCESSING refund if `before-its-time` is armed. */
export function notifyRefundEarly(ledger: LedgerTransaction, refund: Refund, order: Order): void {
  scheduleRefund(ledger, refund, order, "SUCCESS", true);
}

function schedulePayment(ledger: LedgerTransaction, order: Order, early: boolean): void {
  const { mchId, outTradeNo } = order;
  const protocol = protocolOf(order);
  const fault = takeNotificationFault(ledger.sql, { protocol, kind: "pay", outTradeNo, early });
  if (early && fault === null) return;
  schedule(ledger, fault, {
    protocol,
    kind: "pay",
    mchId,
    outTradeNo,
    outRefundNo: null,
    url: order.terms.notifyUrl,
    body: paymentBody(order, merchantOf(ledger, order), fault?.fault ?? null, ledger.now),
  });
}

function scheduleRefund(
  ledger: LedgerTransaction,
  refund: Refund,
  order: Order,
  status: RefundResult,
  early: boolean,
): void {
  const { protocol, notifyUrl, outRefundNo } = refund;
  // Without a notify_url WeChat uses the merchant platform's setting, which the sandbox lacks.
  if (notifyUrl === null) return;
  const { mchId, outTradeNo } = order;
  const fault = takeNotificationFault(ledger.sql, { protocol, kind: "refund", outTradeNo, early });
  if (early && fault === null) return;
  const merchant = merchantOf(ledger, order);
  schedule(ledger, fault, {
    protocol,
    kind: "refund",
    mchId,
    outTradeNo,
    outRefundNo,
    url: notifyUrl,
    body: refundBody(refund, order, merchant, status, fault?.fault ?? null, ledger.now),
  });
}

/** Schedules a notification. One without a body is stored as given up. */
function schedule(
  { sql, now }: LedgerTransaction,
  fault: AppliedNotificationFault | null,
  {
    body,
    ...fields
  }: Omit<NotificationDraft, "nextAt" | "tampering" | "body"> & { readonly body: string | null },
): void {
  const { probeRate, notifyScale } = readSettings(sql);
  const never = body === null || fault?.fault === "never";
  const at = now + (fault?.delayMs ?? (fault?.fault === "late" ? LATE_MS : 0));
  const draft = { ...fields, body: body ?? "" };
  const tampering =
    fields.protocol === "v3" ? tamperingOf(fault?.fault ?? null, fault?.header) : null;
  const probedByChance = fields.protocol === "v3" && fault === null && Math.random() < probeRate;
  if (!never && (probedByChance || tampering?.kind === "probe")) {
    insertNotification(sql, { ...draft, tampering: { kind: "probe" }, nextAt: at });
    const realAt = at + Math.round(AFTER_PROBE_MS * notifyScale);
    insertNotification(sql, { ...draft, tampering: null, nextAt: realAt });
    return;
  }
  const nextAt = never ? null : at;
  insertNotification(sql, { ...draft, tampering, nextAt });
  // Several of WeChat's servers may send the same notification within seconds.
  if (fault?.fault === "twice") insertNotification(sql, { ...draft, tampering, nextAt });
}

function merchantOf({ sql }: LedgerTransaction, order: Order): Merchant {
  const merchant = findMerchant(sql, order.mchId);
  if (merchant === null) throw new Error(`no merchant ${order.mchId} for its order`);
  return merchant;
}
