import type { Context } from "hono";
import { addressSignature } from "../contract/bridge-address.ts";
import { parseCreateOrder, type CreateOrderInput } from "../contract/create-order.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "../db/database.ts";
import { failOrder, type NewOrder } from "../db/orders.ts";
import type { AppSettings } from "../settings/unseal.ts";
import type { Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { describe, log, masked } from "../observability/log.ts";
import { notifyUrl } from "../wechat/notify-paths.ts";
import { randomHex32 } from "../lib/random.ts";
import { signTypeOf } from "../wechat/client.ts";
import type { PrepayAnswer } from "../wechat/types.ts";
import { callerAddress } from "../middleware/caller-address.ts";
import { orderObject } from "../orders/stub.ts";
import { placeOrder, type Placed } from "./place-order.ts";
import { prepayRefusal } from "./prepay-refusal.ts";
import { readSignedRequest } from "./signed-request.ts";

/** `data` of pay/create-order. */
interface CreatedOrder {
  readonly orderNumber: string;
  readonly orderId: number;
  /** A JSON string, for `getBrandWCPayRequest`. */
  readonly apiParams: string;
  /** A JSON string, for `editAddress`; null when not requested. */
  readonly editAddress: string | null;
}

/** POST /pay/create-order */
export async function createOrder(c: Context<GatewayEnv>): Promise<Result<CreatedOrder, Refusal>> {
  const request = await readSignedRequest(c, "create-order");
  if (!request.ok) return request;
  const { app, db, parameters } = request.value;
  const input = parseCreateOrder(parameters);
  if (!input.ok) return input;

  const placed = await placeOrder(c, db, app, draftOf(c, app, input.value), input.value);
  if (!placed.ok) return placed;
  const { order, orderId, answer, wechat } = placed.value;
  c.set("order", order.number);
  c.executionCtx.waitUntil(finishInBackground(c, db, placed.value));
  if (answer.kind !== "prepared") {
    log("warn", "prepay_failed", {
      requestId: c.get("requestId"),
      order: order.number,
      answer: answer.kind,
      // WeChat may name the payer in its reason.
      reason: reasonOf(answer)?.replaceAll(order.openId, masked(order.openId)),
    });
    return err(prepayRefusal(answer, orderId, input.value));
  }

  const nowAt = Date.now();
  const key = { ...order, orderNumber: order.number };
  return ok({
    orderNumber: order.number,
    orderId,
    apiParams: JSON.stringify(await wechat.bridge(key, answer.prepayId, nowAt)),
    editAddress: await editAddress(input.value, order.wechatAppId, nowAt),
  });
}

/** WeChat's reason for a refusal, or why its answer is unknown. */
function reasonOf(answer: PrepayAnswer): string | undefined {
  switch (answer.kind) {
    case "refused":
      return `${answer.code}: ${answer.message}`;
    case "unknown":
      return answer.reason;
    case "prepared":
    case "paid":
    case "closed":
      return undefined;
  }
}

function draftOf(c: Context<GatewayEnv>, app: AppSettings, input: CreateOrderInput): NewOrder {
  const { publicUrl, orderTtlMs } = c.get("work").config;
  const nowAt = Date.now();
  return {
    number: randomHex32(),
    appId: app.id,
    merchantId: app.merchant.id,
    protocol: app.merchant.protocol,
    signType: signTypeOf(app.merchant),
    wechatAppId: app.wechatAppId,
    appOrderNo: input.appOrderNo,
    openId: input.openId,
    desc: input.desc,
    totalFen: input.totalFen,
    tag: input.tag,
    attach: input.attach,
    clientIp: input.clientIp ?? callerAddress(c.req.raw),
    notifyUrl: notifyUrl(publicUrl, "payment", {
      protocol: app.merchant.protocol,
      merchantId: app.merchant.id,
    }),
    expiresAt: nowAt + orderTtlMs,
    createdAt: nowAt,
  };
}

async function editAddress(
  { addressPage }: CreateOrderInput,
  wechatAppId: string,
  nowAt: number,
): Promise<string | null> {
  if (addressPage === null) return null;
  const signed = await addressSignature({
    ...addressPage,
    wechatAppId,
    nonceStr: randomHex32(),
    nowAt,
  });
  return JSON.stringify(signed);
}

/** Applies WeChat's answer to the record and arms the order's timers; the app needn't wait for it. */
async function finishInBackground(
  c: Context<GatewayEnv>,
  db: Database,
  { order, answer }: Placed,
): Promise<void> {
  try {
    if (answer.kind === "refused" && order.appOrderNo === null) {
      // The app can't repeat this order. With an appOrderNo it can, after the fault has been fixed.
      await failOrder(db, order.number, Date.now());
      return;
    }
    const object = orderObject(c.env, order.number);
    await object.open(order.createdAt, order.expiresAt, answer.kind);
    if (answer.kind === "paid") await object.sync(c.get("requestId"));
  } catch (error) {
    log("error", "timers_not_armed", {
      requestId: c.get("requestId"),
      order: order.number,
      error: describe(error),
    });
  }
}
