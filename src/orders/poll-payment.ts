import { endUnpaid, findOrder } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import { isLongUnknown, nextPaymentPollAt } from "../domain/polling.ts";
import { absentIsFinalAt, closeDueAt, retryTooYoungAt } from "../domain/withdrawal.ts";
import type { CloseAnswer, WechatPay } from "../wechat/types.ts";
import type { OrderContext } from "./context.ts";
import { openIncident } from "./incidents.ts";
import { keyOf } from "./keys.ts";
import { resolvePaymentUnknown } from "./payment-known.ts";
import { recordPayment } from "./record-payment.ts";
import type { PaymentSource } from "./timeline.ts";
import type { PollPaymentTimer } from "./timers.ts";

/** The payment's state according to WeChat; `paid` has been recorded. */
export type PaymentState = "paid" | "waiting" | "closed" | "absent" | "unknown";

/**
 * Queries WeChat about the order's payment and records it if paid.
 *
 * @param by `bill` when the bill led to the query
 */
export async function queryPayment(
  context: OrderContext,
  order: OrderRow,
  wechat: WechatPay,
  by: Exclude<PaymentSource, "notification"> = "query",
): Promise<PaymentState> {
  const answer = await wechat.queryPayment(keyOf(order));
  context.timeline.add(Date.now(), "wechat.query_payment", {
    answer: answer.kind,
    ...(answer.kind === "unknown" ? { reason: answer.reason } : {}),
    ...(answer.kind === "refused" ? { code: answer.code } : {}),
  });
  switch (answer.kind) {
    case "paid": {
      const { kind } = await recordPayment(context, answer.payment, order.merchantId, by);
      // WeChat's own answer contradicts the record: a person must look, and nothing is known here.
      return kind === "recorded" || kind === "repeated" ? "paid" : "unknown";
    }
    case "waiting":
    case "closed":
    case "absent":
      return answer.kind;
    case "refused":
    case "unknown":
      return "unknown";
  }
}

/**
 * The timer of an order that isn't paid: queries WeChat, and from its expiry or withdrawal on closes
 * the order at WeChat before failing it. A failed order is queried when its recording may have been
 * lost (deliver.ts).
 */
export async function pollPayment(context: OrderContext, timer: PollPaymentTimer): Promise<void> {
  const { db, timers } = context;
  const order = await findOrder(db, context.number);
  if (order === null || order.payState === "paid") {
    if (order !== null) await resolvePaymentUnknown(context, order);
    await timers.remove(timer);
    return;
  }
  const { createdAt } = order;
  const nextAt = nextPaymentPollAt(
    { createdAt, expiresAt: closeDueAt(order) },
    timer.attempt + 1,
    Date.now(),
  );
  const begun = await timers.begin(timer, nextAt);
  const { state, close } = await queryAndClose(context, order);
  if (await conclude(context, order, state)) {
    await resolvePaymentUnknown(context, order);
    await timers.remove(begun);
    return;
  }
  const retryAt = close === null ? null : tooYoungUntil(order, close);
  if (retryAt !== null) await timers.putOff(begun, retryAt);
  if (isLongUnknown(order, begun.attempt, Date.now())) {
    await openIncident(context, {
      kind: "payment_outcome_unknown",
      refundNo: null,
      merchantId: order.merchantId,
      facts: { wechat: state, polls: begun.attempt },
    });
  }
}

/** The payment's state, and WeChat's answer to the close; null when it wasn't asked to close. */
export interface Queried {
  readonly state: PaymentState;
  readonly close: CloseAnswer | null;
}

/** Queries WeChat; a waiting order that is due to be closed is closed, and queried again. */
export async function queryAndClose(context: OrderContext, order: OrderRow): Promise<Queried> {
  const wechat = await context.wechatOf(order);
  const state = await queryPayment(context, order, wechat);
  const isDue = order.payState === "waiting" && Date.now() >= closeDueAt(order);
  if (state !== "waiting" || !isDue) return { state, close: null };
  const close = await wechat.close(keyOf(order));
  context.timeline.add(Date.now(), "wechat.close", { answer: close.kind });
  switch (close.kind) {
    case "closed":
    case "paid":
    case "absent":
      // The payer may have paid between the query and the close: only a second query ends it.
      return { state: await queryPayment(context, order, wechat), close };
    case "refused":
    case "unknown":
      return { state, close };
  }
}

/** When to close again an order that WeChat may not have closed because of its age, else null. */
export function tooYoungUntil(order: OrderRow, close: CloseAnswer): number | null {
  switch (close.kind) {
    case "closed":
    case "paid":
    case "absent":
      return null;
    case "refused":
      return close.blame === "merchant" ? null : retryTooYoungAt(order, Date.now());
    case "unknown":
      // APIv2's TRADE_STATE_ERROR is one too: it names no reason.
      return retryTooYoungAt(order, Date.now());
  }
}

/**
 * Ends the order unpaid where WeChat's answer allows it, and has the app called about that if it asked
 * for it. Returns whether polling can end.
 */
export async function conclude(
  context: OrderContext,
  order: OrderRow,
  state: PaymentState,
): Promise<boolean> {
  if (order.payState === "failed") {
    // A crash may have come between the record and the delivery's timer.
    if (order.closeNotifyState === "none") await armCloseDelivery(context);
    return state !== "unknown";
  }
  const nowAt = Date.now();
  switch (state) {
    case "paid":
      return true;
    case "waiting":
    case "unknown":
      return false;
    case "absent":
      // Soon after an unanswered prepay this doesn't prove that the order will never exist.
      if (nowAt < absentIsFinalAt(order)) return false;
      break;
    case "closed":
      break;
  }
  const ended = await endUnpaid(context.db, context.number, nowAt);
  if (ended !== null) {
    context.timeline.add(nowAt, "order.failed", { wechat: state });
    if (ended.closeNotifyState !== null) await armCloseDelivery(context);
  }
  return true;
}

/** After the record, as its guard is the poll's timer: a waiting order always has one. */
async function armCloseDelivery({ timers }: OrderContext): Promise<void> {
  await timers.armIfAbsent({ kind: "deliver-close" }, Date.now());
}
