import {
  payCallback,
  payEventId,
  refundCallback,
  refundEventId,
} from "../contract/callback/content.ts";
import type { Parameters } from "../contract/parameters.ts";
import { DELIVERY_CALLS, nextDelay } from "../contract/callback/schedule.ts";
import { signCallback } from "../contract/callback/signed-callback.ts";
import { isReportable } from "../domain/refund.ts";
import { findOrder, recordPayDelivery } from "../db/orders.ts";
import { findRefund, recordRefundDelivery } from "../db/refunds.ts";
import type { OrderRow } from "../db/rows.ts";
import { validWebhookSecrets, type AppSettings } from "../settings/settings.ts";
import { callApp } from "./call-app.ts";
import type { OrderContext } from "./context.ts";
import { openIncident, resolveIncident } from "./incidents.ts";
import type { Timer } from "./timers.ts";
import { instrumentAppCall } from "../observability/instrument-app-call.ts";

/** One piece of news for an app, as it stands in D1 at the moment of the call. */
interface AppNotification {
  readonly event: "pay" | "refund";
  readonly eventId: string;
  readonly fields: Parameters;
  readonly urlOf: (app: AppSettings) => string;
  /** Calls made so far, as D1 knows. */
  readonly calls: number;
  readonly record: (call: { calls: number; confirmed: boolean }, nowAt: number) => Promise<void>;
}

/**
 * Tells the app, at least once, until it confirms or the schedule ends. The attempt and the count of
 * calls are written down before the call, so that a crash during it leads to another one and none
 * goes uncounted.
 */
export async function deliver(context: OrderContext, timer: Timer): Promise<void> {
  const { timers, timeline } = context;
  const order = await findOrder(context.db, context.number);
  const news = order === null ? null : await notificationFor(context, order, timer);
  if (order === null || news === null) {
    await timers.remove(timer);
    return;
  }
  const calls = Math.max(news.calls, timer.calls) + 1;
  const attempt = timer.attempt + 1;
  const startedAt = Date.now();
  const app = await context.appOf(order);
  // Armed anew while the news was being read: the news may be old, and this timer isn't ours to move.
  if (!timers.stands(timer)) return;
  const begun = await timers.begin(timer, startedAt + (nextDelay(attempt, 0, null) ?? 0), calls);
  const callback = await signCallback(news.fields, {
    salt: app.salt,
    webhookSecrets: validWebhookSecrets(app, startedAt),
    eventId: news.eventId,
    nowAt: startedAt,
  });
  const about = { event: news.event, app: app.id, order: order.number, eventId: news.eventId };
  const answer = await instrumentAppCall(
    context.meter,
    about,
    async () => await callApp(news.urlOf(app), callback),
  );
  const endedAt = Date.now();
  timeline.add(endedAt, "app.called", {
    eventId: news.eventId,
    call: calls,
    confirmed: answer.confirmed,
    status: answer.status,
    tookMs: endedAt - startedAt,
    answer: answer.head,
  });
  await news.record({ calls, confirmed: answer.confirmed }, endedAt);
  const delay = answer.confirmed ? null : nextDelay(attempt, Math.random(), answer.retryAfterMs);
  if (delay !== null) {
    await timers.putOff(begun, endedAt + delay);
    return;
  }
  // Armed anew during the call: how that schedule ends is still open.
  if (!timers.stands(begun)) return;
  // Before the timer goes, so that a crash in between repeats it.
  if (answer.confirmed) await resolveExhausted(context, timer, calls);
  else {
    await openIncident(context, {
      kind: "delivery_exhausted",
      refundNo: timer.refundNo,
      merchantId: order.merchantId,
      facts: { app: order.appId, eventId: news.eventId, calls, status: answer.status },
    });
  }
  await timers.remove(begun);
}

/** The app has confirmed. Only after a whole schedule of calls can there be an incident about it. */
async function resolveExhausted(
  context: OrderContext,
  { refundNo }: Timer,
  calls: number,
): Promise<void> {
  if (calls <= DELIVERY_CALLS) return;
  await resolveIncident(
    context,
    { kind: "delivery_exhausted", refundNo },
    "The gateway: the app has confirmed.",
  );
}

/** What the timer has to tell, or null when there is nothing (any more). */
async function notificationFor(
  context: OrderContext,
  order: OrderRow,
  timer: Timer,
): Promise<AppNotification | null> {
  const { db } = context;
  switch (timer.kind) {
    case "deliver-pay":
      if (order.payState !== "paid") {
        // Armed by a payment whose booking never ended: WeChat knows whether there was one.
        await context.timers.arm({ kind: "ask-payment", refundNo: "" }, Date.now());
        return null;
      }
      return {
        event: "pay",
        eventId: payEventId(order.number),
        fields: payCallback(order),
        urlOf: (app) => app.payNotifyUrl,
        calls: order.payNotifyNumber,
        record: async (call, nowAt) => {
          await recordPayDelivery(db, order.number, call, nowAt);
        },
      };
    case "deliver-refund": {
      const refund = await findRefund(db, timer.refundNo);
      // Not news: the booking that the timer watched over never ended; the refund's own timer asks.
      if (refund === null || !isReportable(refund.state)) return null;
      return {
        event: "refund",
        eventId: refundEventId(refund.number, refund.state),
        fields: refundCallback(order, refund),
        urlOf: (app) => app.refundNotifyUrl,
        calls: refund.notifyNumber,
        record: async (call, nowAt) => {
          await recordRefundDelivery(db, refund.number, { ...call, told: refund.state }, nowAt);
        },
      };
    }
    case "ask-payment":
    case "ask-refund":
      throw new Error(`${timer.kind} is no delivery`);
  }
}
