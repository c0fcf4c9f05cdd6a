import type { Context } from "hono";
import { err, ok, type Result } from "../lib/result.ts";
import { isReportable } from "../domain/refund.ts";
import { masterKeyOf, merchantSettings } from "../settings/settings.ts";
import type { GatewayEnv } from "../env.ts";
import { isWithin } from "../middleware/rate-limit.ts";
import { describe, log } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import { orderObject } from "../orders/stub.ts";
import type { Merchant, Payment } from "../wechat/types.ts";
import { readBody } from "../lib/read-body.ts";
import { recordUnverified } from "../middleware/unverified.ts";

/** WeChat gives up after 5 s (WeChat: payment notification) and repeats; so it is told to, in time. */
const ACKNOWLEDGE_TIMEOUT_MS = 4_000;
/** A real notification is one or two KB. */
const MAX_BODY_BYTES = 64 * 1024;

/** Why a notification isn't acknowledged. WeChat may read it: nothing secret, nothing of the record. */
export type NotificationRefusal =
  /** Unsigned, wrongly signed, or of a merchant that isn't there. */
  | "not authentic"
  /** It isn't what is expected here, or contradicts the record. */
  | "not accepted"
  | "not confirmed yet"
  | "try again later"
  | "too large"
  | "broken off";

export type NotificationOutcome = Result<null, NotificationRefusal>;

/** Reads a notification of a merchant and acts upon it. */
export type NotificationHandler = (
  merchant: Merchant,
  body: Uint8Array,
) => Promise<NotificationOutcome>;

/**
 * What a notification comes to, within WeChat's patience. It is acknowledged only when its news is
 * stored for good; a fault of ours, or a slow database, makes WeChat come again.
 */
export async function handleInTime(
  c: Context<GatewayEnv>,
  handle: NotificationHandler,
): Promise<NotificationOutcome> {
  const handled = read(c, handle).catch((error: unknown): NotificationOutcome => {
    log("error", "notification_failed", {
      requestId: c.get("requestId"),
      error: describe(error),
    });
    return err("try again later");
  });
  // What was begun is finished, though WeChat is told to come again.
  c.executionCtx.waitUntil(handled);
  const outcome = await Promise.race([handled, acknowledgeTimeout()]);
  c.set("code", outcome.ok ? 0 : 1);
  return outcome;
}

/** Books a payment that a verified notification reports. */
export async function recordPayment(
  c: Context<GatewayEnv>,
  payment: Payment,
  merchant: Merchant,
): Promise<NotificationOutcome> {
  c.set("order", payment.orderNumber);
  const object = orderObject(c.env, payment.orderNumber);
  const settlement = await object.recordPayment(payment, merchant.id, c.get("requestId"));
  switch (settlement.kind) {
    case "booked":
    case "repeated":
      return ok(null);
    case "absent":
    case "contradiction":
      return err("not accepted");
    case "unavailable":
      return err("try again later");
  }
}

/**
 * Follows news of a refund. What it says is never booked: WeChat is asked, and only once the record
 * holds the outcome is the notification acknowledged. APIv2's can be repeated by anybody who has
 * seen one, so there is a limit to what a refund's may cost.
 */
export async function handleRefund(
  c: Context<GatewayEnv>,
  news: { readonly orderNumber: string; readonly refundNo: string },
): Promise<NotificationOutcome> {
  c.set("order", news.orderNumber);
  if (!(await isWithin(c.env.HINT_LIMIT, news.refundNo))) {
    c.set("limited", "hint");
    count(c.env.METRICS, { kind: "limited", limit: "hint" });
    return err("try again later");
  }
  const object = orderObject(c.env, news.orderNumber);
  const state = await object.handleRefundNotification(news.refundNo, c.get("requestId"));
  return state !== null && isReportable(state) ? ok(null) : err("not confirmed yet");
}

/** Takes note of a notification that is refused. */
export async function logRejection(
  c: Context<GatewayEnv>,
  kind: string,
  detail: string,
): Promise<void> {
  if (!(await recordUnverified(c, "notification", kind))) return;
  log("warn", "notification_refused", { requestId: c.get("requestId"), kind, detail });
}

async function read(
  c: Context<GatewayEnv>,
  handle: NotificationHandler,
): Promise<NotificationOutcome> {
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (!body.ok) return err(body.error);
  const given = c.req.param("merchantId") ?? "";
  // `Number` alone would take `1e0`, `0x1` or ` 1` for the merchant 1.
  if (!/^[1-9]\d{0,14}$/.test(given)) return err("not authentic");
  const merchantId = Number(given);
  const masterKey = await masterKeyOf(c.get("config"));
  const merchant = await merchantSettings(c.get("db"), masterKey, merchantId, Date.now());
  if (merchant.ok) return await handle(merchant.value, body.value);
  await logRejection(c, "merchant", merchant.error);
  // Not to be told from an absent one; but a merchant whose secrets don't open is our fault.
  return err(merchant.error === "absent" ? "not authentic" : "try again later");
}

async function acknowledgeTimeout(): Promise<NotificationOutcome> {
  return await new Promise((resolve) => {
    setTimeout(() => {
      resolve(err("try again later"));
    }, ACKNOWLEDGE_TIMEOUT_MS);
  });
}
