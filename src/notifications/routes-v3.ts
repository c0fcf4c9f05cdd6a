import type { Context } from "hono";
import { err } from "../lib/result.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { wechatEnvOf } from "../settings/wechat-env.ts";
import type { V3Client } from "../wechat/v3/request.ts";
import {
  readPaymentNotification,
  readRefundNotification,
  type NotificationFault,
} from "../wechat/v3/notifications.ts";
import type { Merchant } from "../wechat/types.ts";
import {
  recordPayment,
  handleRefund,
  handleInTime,
  logRejection,
  type NotificationHandler,
  type NotificationOutcome,
  type NotificationRefusal,
} from "./handle.ts";
import { recordUnverified } from "../middleware/unverified.ts";

/** POST /notify/v3/:merchantId/pay */
export async function payNotificationV3(c: Context<GatewayEnv>): Promise<Response> {
  return await answer(c, async (merchant, body) => {
    const line = lineOf(c, merchant);
    if (line === null) return await noCredentials(c);
    const message = { headers: c.req.raw.headers, body };
    const payment = await readPaymentNotification(line, message, Date.now());
    return payment.ok
      ? await recordPayment(c, payment.value, merchant)
      : await refuse(c, payment.error);
  });
}

/** POST /notify/v3/:merchantId/refund */
export async function refundNotificationV3(c: Context<GatewayEnv>): Promise<Response> {
  return await answer(c, async (merchant, body) => {
    const line = lineOf(c, merchant);
    if (line === null) return await noCredentials(c);
    const message = { headers: c.req.raw.headers, body };
    const news = await readRefundNotification(line, message, Date.now());
    return news.ok ? await handleRefund(c, news.value) : await refuse(c, news.error);
  });
}

/** WeChat goes by the status (WeChat: 200 or 204 ends its repeats); the text is for people. */
const STATUSES = {
  "not authentic": 401,
  "not accepted": 400,
  "too large": 413,
  "broken off": 400,
  "not confirmed yet": 503,
  "try again later": 503,
} as const satisfies Record<NotificationRefusal, number>;

async function answer(c: Context<GatewayEnv>, handle: NotificationHandler): Promise<Response> {
  const outcome = await handleInTime(c, handle);
  return outcome.ok
    ? c.body(null, 204)
    : c.json({ code: "FAIL", message: outcome.error }, STATUSES[outcome.error]);
}

function lineOf(c: Context<GatewayEnv>, { id, mchId, v3 }: Merchant): V3Client | null {
  if (v3 === null) return null;
  return { merchant: { id, mchId, v3 }, env: wechatEnvOf(c.env, c.get("config")) };
}

async function noCredentials(c: Context<GatewayEnv>): Promise<NotificationOutcome> {
  await logRejection(c, "merchant", "no APIv3 credentials");
  return err("not authentic");
}

async function refuse(
  c: Context<GatewayEnv>,
  { kind, detail }: NotificationFault,
): Promise<NotificationOutcome> {
  switch (kind) {
    case "probe":
      // WeChat sees for itself that its signature is checked: nothing is wrong.
      if (await recordUnverified(c, "notification", "probe")) {
        log("info", "signature_probe_refused", { requestId: c.get("requestId") });
      }
      return err("not authentic");
    case "unsigned":
    case "stale":
    case "unknown-key":
    case "wrong-signature":
      await logRejection(c, kind, detail);
      return err("not authentic");
    case "unreadable":
    case "unexpected":
    case "undecryptable":
    case "malformed":
    case "wrong-identity":
      await logRejection(c, kind, detail);
      return err("not accepted");
  }
}
