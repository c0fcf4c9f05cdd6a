import {
  closeCallback,
  closeEventId,
  payCallback,
  payEventId,
  refundCallback,
  refundEventId,
} from "../contract/callback/content.ts";
import { DELIVERY_CALLS, nextDelay } from "../contract/callback/schedule.ts";
import { signCallback } from "../contract/callback/signed-callback.ts";
import type { Parameters } from "../contract/parameters.ts";
import {
  findOrder,
  recordCloseDelivery,
  recordPayDelivery,
  type RecordedCall,
} from "../db/orders.ts";
import { findRefund, recordRefundDelivery } from "../db/refunds.ts";
import type { OrderRow } from "../db/rows.ts";
import { isReportable } from "../domain/refund.ts";
import type { DeliveryEvent } from "../domain/states.ts";
import { instrumentAppCall } from "../observability/instrument.ts";
import { validWebhookSecrets } from "../settings/settings.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { callApp } from "./call-app.ts";
import type { OrderContext } from "./context.ts";
import { deliverySubject, openIncident, resolveIncident } from "./incidents.ts";
import { refundNoOf, type DeliveryName, type DeliveryTimer } from "./timers.ts";

/** A notification for an app, read from D1 at the time of the call. */
interface AppNotification {
  readonly event: DeliveryEvent;
  readonly eventId: string;
  readonly fields: Parameters;
  readonly urlOf: (app: AppSettings) => string;
  /** Calls made so far, according to D1. */
  readonly calls: number;
  readonly record: (call: RecordedCall, nowAt: number) => Promise<void>;
}

/**
 * Calls the app, at least once, until it confirms or the schedule ends. The attempt and the count of
 * calls are written before the call, so that a crash during it leads to another call and every call
 * is counted.
 */
export async function deliver(context: OrderContext, timer: DeliveryTimer): Promise<void> {
  const { timers, timeline } = context;
  const order = await findOrder(context.db, context.number);
  const notification = order === null ? null : await notificationFor(context, order, timer);
  if (order === null || notification === null) {
    await timers.remove(timer);
    return;
  }
  const { event, eventId } = notification;
  const calls = Math.max(notification.calls, timer.calls) + 1;
  const attempt = timer.attempt + 1;
  const startedAt = Date.now();
  const app = await context.appOf(order);
  // Armed again while the notification was read: it may be outdated, and the new timer delivers.
  if (!timers.isUnchanged(timer)) return;
  const begun = await timers.begin(timer, startedAt + (nextDelay(attempt, 0, null) ?? 0), calls);
  const callback = await signCallback(notification.fields, {
    salt: app.salt,
    webhookSecrets: validWebhookSecrets(app, startedAt),
    eventId,
    nowAt: startedAt,
  });
  const url = notification.urlOf(app);
  const answer = await instrumentAppCall(
    context.meter,
    { event, app: app.id, order: order.number, eventId },
    async () => await callApp(url, callback),
  );
  const endedAt = Date.now();
  timeline.add(endedAt, "app.called", {
    eventId,
    call: calls,
    url: withoutSecrets(url),
    fields: [...new URLSearchParams(callback.body).keys()].join(","),
    confirmed: answer.confirmed,
    status: answer.status,
    tookMs: endedAt - startedAt,
    answer: answer.head,
  });
  const { confirmed } = answer;
  const delay = confirmed ? null : nextDelay(attempt, Math.random(), answer.retryAfterMs);
  const retryAt = delay === null ? null : endedAt + delay;
  const nextCallAt = confirmed ? null : nextCallOf(context, begun, retryAt);
  await notification.record({ calls, confirmed, nextCallAt }, endedAt);
  if (retryAt !== null) {
    await timers.putOff(begun, retryAt);
    return;
  }
  // Armed again during the call: how that schedule ends is still open.
  if (!timers.isUnchanged(begun)) return;
  // Before the timer is removed, so that a crash in between repeats it.
  if (confirmed) await resolveExhausted(context, timer, calls);
  else {
    await openIncident(context, {
      kind: "delivery_exhausted",
      refundNo: refundNoOf(timer),
      subject: deliverySubject(order.number, timer),
      merchantId: order.merchantId,
      facts: { app: order.appId, eventId, calls, status: answer.status },
    });
  }
  await timers.remove(begun);
}

/** A notify URL's query may hold a secret of the app's; it has no user info (domain/notify-url.ts). */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** When the next call is due. Armed again during the call: that schedule's call is the next one. */
function nextCallOf(
  { timers }: OrderContext,
  begun: DeliveryTimer,
  retryAt: number | null,
): number | null {
  return timers.isUnchanged(begun) ? retryAt : (timers.find(begun)?.dueAt ?? retryAt);
}

/** The app has confirmed. Only a schedule of failed calls that ended can have opened the incident. */
async function resolveExhausted(
  context: OrderContext,
  name: DeliveryName,
  calls: number,
): Promise<void> {
  if (calls <= DELIVERY_CALLS) return;
  const subject = deliverySubject(context.number, name);
  await resolveIncident(
    context,
    { kind: "delivery_exhausted", refundNo: refundNoOf(name), subject },
    "The gateway: the app has confirmed.",
  );
}

/** The notification that the timer delivers; null when there is nothing left to deliver. */
async function notificationFor(
  context: OrderContext,
  order: OrderRow,
  timer: DeliveryTimer,
): Promise<AppNotification | null> {
  const { db } = context;
  switch (timer.kind) {
    case "deliver-payment":
      if (order.payState !== "paid") {
        // Armed by a payment whose recording never ended: WeChat knows whether it was paid.
        await context.timers.arm({ kind: "poll-payment" }, Date.now());
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
    case "deliver-close":
      // Paid since: the app must not hear of the close after the payment.
      if (order.payState !== "failed" || order.closeNotifyState === null) return null;
      return {
        event: "close",
        eventId: closeEventId(order.number),
        fields: closeCallback(order),
        urlOf: (app) => app.payNotifyUrl,
        calls: order.closeNotifyNumber,
        record: async (call, nowAt) => {
          await recordCloseDelivery(db, order.number, call, nowAt);
        },
      };
    case "deliver-refund": {
      const refund = await findRefund(db, timer.refundNo);
      // Not reportable: the recording that the timer guards never ended; the refund's poll goes on.
      if (refund === null || !isReportable(refund.state)) return null;
      return {
        event: "refund",
        eventId: refundEventId(refund.number, refund.state),
        fields: refundCallback(order, refund),
        urlOf: (app) => app.refundNotifyUrl,
        calls: refund.notifyNumber,
        record: async (call, nowAt) => {
          await recordRefundDelivery(
            db,
            refund.number,
            { ...call, delivered: refund.state },
            nowAt,
          );
        },
      };
    }
  }
}
