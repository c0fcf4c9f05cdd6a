import { failOrder, findOrder } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import { isLongUnknown, nextPaymentPollAt } from "../domain/polling.ts";
import type { WechatPay } from "../wechat/types.ts";
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
 * The timer of an order that isn't paid: queries WeChat, and from its expiry on closes the order at
 * WeChat before failing it. A failed order is queried when its recording may have been lost
 * (deliver.ts).
 */
export async function pollPayment(context: OrderContext, timer: PollPaymentTimer): Promise<void> {
  const { db, timers } = context;
  const order = await findOrder(db, context.number);
  if (order === null || order.payState === "paid") {
    if (order !== null) await resolvePaymentUnknown(context, order);
    await timers.remove(timer);
    return;
  }
  const begun = await timers.begin(timer, nextPaymentPollAt(order, timer.attempt + 1, Date.now()));
  const wechat = await context.wechatOf(order);
  const expired = Date.now() >= order.expiresAt;
  let state = await queryPayment(context, order, wechat);
  const failed = order.payState === "failed";
  if (!failed && state === "waiting" && expired && (await closeAtWechat(context, order, wechat))) {
    // The payer may have paid between the query and the close: only a second query ends it.
    state = await queryPayment(context, order, wechat);
  }
  if (failed ? state !== "unknown" : await conclude(context, state, expired)) {
    await resolvePaymentUnknown(context, order);
    await timers.remove(begun);
  } else if (isLongUnknown(order, begun.attempt, Date.now())) {
    await openIncident(context, {
      kind: "payment_outcome_unknown",
      refundNo: null,
      merchantId: order.merchantId,
      facts: { wechat: state, polls: begun.attempt },
    });
  }
}

/** Returns whether another query is worth it at once: closed, or found paid or absent. */
async function closeAtWechat(
  context: OrderContext,
  order: OrderRow,
  wechat: WechatPay,
): Promise<boolean> {
  const answer = await wechat.close(keyOf(order));
  context.timeline.add(Date.now(), "wechat.close", { answer: answer.kind });
  switch (answer.kind) {
    case "closed":
    case "paid":
    case "absent":
      return true;
    case "refused":
    case "unknown":
      return false;
  }
}

/** Fails the order where WeChat's answer allows it. Returns whether polling can end. */
export async function conclude(
  context: OrderContext,
  state: PaymentState,
  expired: boolean,
): Promise<boolean> {
  switch (state) {
    case "paid":
      return true;
    case "waiting":
    case "unknown":
      return false;
    case "absent":
      // Soon after an unanswered prepay this doesn't prove that the order will never exist.
      if (!expired) return false;
      break;
    case "closed":
      break;
  }
  const nowAt = Date.now();
  if (await failOrder(context.db, context.number, nowAt)) {
    context.timeline.add(nowAt, "order.failed", { wechat: state });
  }
  return true;
}
