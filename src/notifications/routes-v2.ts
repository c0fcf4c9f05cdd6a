import type { Context } from "hono";
import { err } from "../lib/result.ts";
import type { GatewayEnv } from "../env.ts";
import {
  readPaymentNotification,
  readRefundNotification,
  refuseNotification,
  V2_ACKNOWLEDGE,
  V2_ANSWER_TYPE,
  type NotificationFault,
} from "../wechat/v2/notifications.ts";
import type { Merchant, V2Merchant } from "../wechat/types.ts";
import {
  recordPayment,
  handleRefund,
  handleInTime,
  logRejection,
  type NotificationHandler,
  type NotificationOutcome,
} from "./handle.ts";

/** POST /notify/v2/:merchantId/pay */
export async function payNotificationV2(c: Context<GatewayEnv>): Promise<Response> {
  return await answer(c, async (merchant, body) => {
    const v2 = v2Of(merchant);
    if (v2 === null) return await noCredentials(c);
    const payment = await readPaymentNotification(body, v2);
    return payment.ok
      ? await recordPayment(c, payment.value, merchant)
      : await refuse(c, payment.error);
  });
}

/** POST /notify/v2/:merchantId/refund. It carries no signature: a hint, and no more. */
export async function refundNotificationV2(c: Context<GatewayEnv>): Promise<Response> {
  return await answer(c, async (merchant, body) => {
    const v2 = v2Of(merchant);
    if (v2 === null) return await noCredentials(c);
    const hint = await readRefundNotification(body, v2);
    return hint.ok ? await handleRefund(c, hint.value) : await refuse(c, hint.error);
  });
}

/** WeChat reads the outcome in the body; the status is 200 either way. */
async function answer(c: Context<GatewayEnv>, handle: NotificationHandler): Promise<Response> {
  const outcome = await handleInTime(c, handle);
  const body = outcome.ok ? V2_ACKNOWLEDGE : refuseNotification(outcome.error);
  return c.body(body, 200, { "content-type": V2_ANSWER_TYPE });
}

function v2Of({ mchId, v2 }: Merchant): V2Merchant | null {
  return v2 === null ? null : { mchId, ...v2 };
}

async function noCredentials(c: Context<GatewayEnv>): Promise<NotificationOutcome> {
  await logRejection(c, "merchant", "no APIv2 credentials");
  return err("not authentic");
}

async function refuse(
  c: Context<GatewayEnv>,
  { kind, detail }: NotificationFault,
): Promise<NotificationOutcome> {
  await logRejection(c, kind, detail);
  return err("not accepted");
}
