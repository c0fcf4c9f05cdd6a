import type { Context, Handler } from "hono";
import type { GatewayEnv } from "../env.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { withTimeLimit } from "../lib/time-limit.ts";
import { readBody } from "../lib/read-body.ts";
import { isWithin } from "../middleware/rate-limit.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { describe, log } from "../observability/log.ts";
import { count, type LimitName } from "../observability/metrics.ts";
import { orderObject } from "../orders/stub.ts";
import { openMerchantIncident, resolveByNotification } from "../settings/merchant-incidents.ts";
import { verifyKeyLookup } from "../settings/platform-certificates.ts";
import { acknowledge, readNotification } from "../wechat/notifications.ts";
import type {
  Merchant,
  Notification,
  NotificationFault,
  NotificationRejection,
  Payment,
  Protocol,
  RefundNotification,
} from "../wechat/types.ts";

/** WeChat times out after 5 s (W-50) and repeats; we ask for the repeat before that. */
const ACKNOWLEDGE_TIMEOUT_MS = 4_000;
/** A genuine notification has one or two KB. */
const MAX_BODY_BYTES = 64 * 1024;

type NotificationOutcome = Result<null, NotificationRejection>;

/**
 * POST /notify/<protocol>/:merchantId/<pay or refund>. A notification is acknowledged only when its
 * outcome is stored durably: after a fault of the gateway, or with a slow database, WeChat repeats it.
 */
export function handleNotification(
  protocol: Protocol,
  kind: Notification["kind"],
): Handler<GatewayEnv> {
  return async (c) => {
    const handled = handle(c, protocol, kind).catch((error: unknown): NotificationOutcome => {
      log("error", "notification_failed", {
        requestId: c.get("requestId"),
        error: describe(error),
      });
      return err("try again later");
    });
    // The work continues even when WeChat is asked to repeat.
    c.executionCtx.waitUntil(handled);
    const outcome = await withTimeLimit(
      ACKNOWLEDGE_TIMEOUT_MS,
      async (signal) => await Promise.race([handled, refusalAt(signal)]),
    );
    c.set("code", outcome.ok ? 0 : 1);
    const { status, contentType, body } = acknowledge(protocol, outcome);
    return new Response(body, {
      status,
      headers: contentType === null ? {} : { "content-type": contentType },
    });
  };
}

async function handle(
  c: Context<GatewayEnv>,
  protocol: Protocol,
  kind: Notification["kind"],
): Promise<NotificationOutcome> {
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (!body.ok) return err(body.error);
  const merchant = await findMerchant(c);
  if (!merchant.ok) return merchant;
  const reader = {
    merchant: merchant.value,
    protocol,
    findVerifyKey: verifyKeyLookup(c.get("work")),
  };
  const message = { headers: c.req.raw.headers, body: body.value };
  const notification = await readNotification(kind, reader, message, Date.now());
  if (!notification.ok) {
    reportMerchant(c, merchant.value, notification.error);
    return await reject(c, notification.error);
  }
  resolveByNotification(c.get("work"), merchant.value, protocol);
  switch (notification.value.kind) {
    case "payment":
      return await recordPayment(c, notification.value.payment, merchant.value);
    case "refund":
      return await handleRefund(c, notification.value, merchant.value);
  }
}

/** The merchant in the path, so that the verifying key is known before the body is trusted. */
async function findMerchant(
  c: Context<GatewayEnv>,
): Promise<Result<Merchant, NotificationRejection>> {
  const id = c.req.param("merchantId") ?? "";
  // `Number` alone would take `1e0`, `0x1` or ` 1` for the merchant 1.
  if (!/^[1-9]\d{0,14}$/.test(id)) return err("not authentic");
  const merchant = await c.get("work").settings.merchant(Number(id));
  if (merchant.ok) return merchant;
  await logRejection(c, "merchant", merchant.error);
  // An absent merchant gets the response of a wrong signature; unreadable secrets are our fault.
  return err(merchant.error === "absent" ? "not authentic" : "try again later");
}

/**
 * Records a payment that a verified notification reports. Anyone who has seen an APIv2 notification
 * can replay it, so their number is limited, roughly.
 */
async function recordPayment(
  c: Context<GatewayEnv>,
  payment: Payment,
  merchant: Merchant,
): Promise<NotificationOutcome> {
  const { orderNumber } = payment;
  c.set("order", orderNumber);
  if (!(await isWithin(c.env.PAYMENT_NOTIFICATION_LIMIT, `${merchant.id} ${orderNumber}`))) {
    return refuseOverLimit(c, "payment-notification");
  }
  const object = orderObject(c.env, orderNumber);
  const outcome = await object.recordPayment(payment, merchant.id, c.get("requestId"));
  switch (outcome.kind) {
    case "recorded":
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
 * Handles a refund notification. Its content is never recorded: WeChat is queried, and the
 * notification is acknowledged only once the record has the outcome. Anyone who has seen an APIv2
 * notification can replay it, or make others from it, so their number is limited: here roughly, so
 * that a flood doesn't reach the order's object; exactly, per query, there.
 */
async function handleRefund(
  c: Context<GatewayEnv>,
  { orderNumber, refundNo }: RefundNotification,
  merchant: Merchant,
): Promise<NotificationOutcome> {
  c.set("order", orderNumber);
  if (!(await isWithin(c.env.REFUND_NOTIFICATION_LIMIT, `${merchant.id} ${orderNumber}`))) {
    return refuseOverLimit(c, "refund-notification");
  }
  const object = orderObject(c.env, orderNumber);
  const outcome = await object.handleRefundNotification(refundNo, merchant.id, c.get("requestId"));
  switch (outcome.kind) {
    case "recorded":
      return ok(null);
    case "unconfirmed":
      return err("not confirmed yet");
    case "limited":
      return refuseOverLimit(c, outcome.limit);
    case "unavailable":
      return err("try again later");
  }
}

/** Not acknowledged, so that WeChat repeats a genuine notification. */
function refuseOverLimit(c: Context<GatewayEnv>, limit: LimitName): NotificationOutcome {
  c.set("limited", limit);
  count(c.env.METRICS, { kind: "limited", limit });
  return err("try again later");
}

async function reject(
  c: Context<GatewayEnv>,
  { kind, detail, rejection }: NotificationFault,
): Promise<NotificationOutcome> {
  switch (kind) {
    case "probe":
      if (await recordUnverified(c, "notification", "probe")) {
        log("info", "signature_probe_rejected", { requestId: c.get("requestId") });
      }
      break;
    case "no-credentials":
      await logRejection(c, "merchant", detail);
      break;
    case "unsigned":
    case "stale":
    case "unknown-key":
    case "public-key-missing":
    case "wrong-signature":
    case "unreadable":
    case "unexpected":
    case "undecryptable":
    case "not-success":
    case "malformed":
    case "wrong-identity":
      await logRejection(c, kind, detail);
      break;
  }
  return err(rejection);
}

/** Faults that only WeChat's own message can have, so that no stranger opens an incident. */
function reportMerchant(
  c: Context<GatewayEnv>,
  { id }: Merchant,
  { kind }: NotificationFault,
): void {
  const work = c.get("work");
  if (kind === "undecryptable") openMerchantIncident(work, id, "merchant_api_v3_key_wrong");
  if (kind !== "public-key-missing") return;
  const keyId = c.req.header("wechatpay-serial") ?? null;
  openMerchantIncident(work, id, "merchant_public_key_missing", { keyId });
}

async function logRejection(c: Context<GatewayEnv>, kind: string, detail: string): Promise<void> {
  if (!(await recordUnverified(c, "notification", kind))) return;
  log("warn", "notification_rejected", { requestId: c.get("requestId"), kind, detail });
}

async function refusalAt(signal: AbortSignal): Promise<NotificationOutcome> {
  return await new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(err("try again later")), { once: true });
  });
}
