import type { Context } from "hono";
import { err, ok, type Result } from "../core/result.ts";
import { isNews } from "../core/refund-life.ts";
import { connect } from "../db/database.ts";
import { masterKeyOf, merchantSettings } from "../db/settings.ts";
import type { GatewayEnv } from "../hono-env.ts";
import { describe, log } from "../log.ts";
import {
  readPaymentNotification,
  readRefundNotification,
  refuseNotification,
  V2_ACKNOWLEDGE,
  V2_ANSWER_TYPE,
} from "../wechat/v2/notifications.ts";
import type { Merchant } from "../wechat/wechat-pay.ts";
import { readBody } from "./body.ts";
import { orderObject } from "../order-stub.ts";

/** WeChat gives up after 5 s (WeChat: payment notification) and repeats; so it is told to, in time. */
const PATIENCE_MS = 4_000;
/** A real notification is one or two KB. */
const MOST_BODY_BYTES = 64 * 1024;

/** Why a notification isn't acknowledged. WeChat may read it: nothing secret, nothing of the record. */
type Refusal = string;

/** POST /notify/v2/:merchantId/pay */
export async function payNotification(c: Context<GatewayEnv>): Promise<Response> {
  return await answerInTime(c, async (merchant, body) => {
    const payment = await readPaymentNotification(body, merchant);
    if (!payment.ok) {
      warn(c, payment.error.kind, payment.error.detail);
      return err("not accepted");
    }
    c.set("order", payment.value.orderNumber);
    const object = orderObject(c.env, payment.value.orderNumber);
    const settlement = await object.settlePayment(payment.value, merchant.id);
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
  });
}

/**
 * POST /notify/v2/:merchantId/refund. What it says is never booked: WeChat is asked, and only once
 * the record holds the outcome is the notification acknowledged.
 */
export async function refundNotification(c: Context<GatewayEnv>): Promise<Response> {
  return await answerInTime(c, async (merchant, body) => {
    const hint = await readRefundNotification(body, merchant);
    if (!hint.ok) {
      warn(c, hint.error.kind, hint.error.detail);
      return err("not accepted");
    }
    c.set("order", hint.value.orderNumber);
    const object = orderObject(c.env, hint.value.orderNumber);
    const state = await object.hintRefund(hint.value.refundNo);
    return state !== null && isNews(state) ? ok(null) : err("not confirmed yet");
  });
}

async function answerInTime(
  c: Context<GatewayEnv>,
  handle: (merchant: Merchant, body: Uint8Array) => Promise<Result<null, Refusal>>,
): Promise<Response> {
  const handled = read(c, handle).catch((error: unknown): Result<null, Refusal> => {
    log("error", "notification_failed", {
      requestId: c.get("requestId"),
      error: describe(error),
    });
    return err("try again later");
  });
  // What was begun is finished, though WeChat is told to come again.
  c.executionCtx.waitUntil(handled);
  const outcome = await Promise.race([handled, patience()]);
  c.set("code", outcome.ok ? 0 : 1);
  const body = outcome.ok ? V2_ACKNOWLEDGE : refuseNotification(outcome.error);
  return c.body(body, 200, { "content-type": V2_ANSWER_TYPE });
}

async function read(
  c: Context<GatewayEnv>,
  handle: (merchant: Merchant, body: Uint8Array) => Promise<Result<null, Refusal>>,
): Promise<Result<null, Refusal>> {
  const body = await readBody(c.req.raw, MOST_BODY_BYTES);
  if (!body.ok) return err(body.error);
  const merchantId = Number(c.req.param("merchantId"));
  if (!Number.isSafeInteger(merchantId) || merchantId < 1) return err("not accepted");
  const masterKey = await masterKeyOf(c.get("config"));
  const merchant = await merchantSettings(connect(c.env.DB), masterKey, merchantId, Date.now());
  if (!merchant.ok) {
    warn(c, "merchant", merchant.error);
    return err("not accepted");
  }
  return await handle(merchant.value, body.value);
}

async function patience(): Promise<Result<null, Refusal>> {
  return await new Promise((resolve) => {
    setTimeout(() => {
      resolve(err("try again later"));
    }, PATIENCE_MS);
  });
}

function warn(c: Context<GatewayEnv>, kind: string, detail: string): void {
  log("warn", "notification_refused", { requestId: c.get("requestId"), kind, detail });
}
