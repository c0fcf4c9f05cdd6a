import type { Context } from "hono";
import type { CreateOrderInput } from "../contract/create-order.ts";
import { repeatRefusal } from "../contract/repeated-order.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "../db/database.ts";
import { insertOrder, insertOrderOnce, type NewOrder } from "../db/orders.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { wechatFor } from "../settings/wechat-client.ts";
import { serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { orderClosed, orderClosing, orderPaid } from "./prepay-refusal.ts";
import type { Merchant, PrepayAnswer, PrepayRequest, WechatPay } from "../wechat/types.ts";

/** An order as sent to WeChat, with its creation and expiry. */
export type PlacedOrder = Omit<PrepayRequest, "orderNumber"> & {
  readonly number: string;
  readonly appOrderNo: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
};

/** A stored order and WeChat's answer to it. */
export interface Placed {
  readonly order: PlacedOrder;
  readonly orderId: number;
  readonly answer: PrepayAnswer;
  /** The client of the order's merchant. */
  readonly wechat: WechatPay;
}

/** Stores an order and sends it to WeChat, or repeats the stored order with the same appOrderNo. */
export async function placeOrder(
  c: Context<GatewayEnv>,
  db: Database,
  app: AppSettings,
  draft: NewOrder,
  input: CreateOrderInput,
): Promise<Result<Placed, Refusal>> {
  return input.appOrderNo === null
    ? await placeNew(db, draft, wechatFor(c.get("work"), app.merchant, draft.protocol))
    : await placeOnce(c, db, app, { ...draft, appOrderNo: input.appOrderNo }, input);
}

/**
 * Inserts the row and calls WeChat in parallel. That is safe because nobody can pay before both are
 * done: the app gets the payment parameters afterwards.
 */
async function placeNew(
  db: Database,
  draft: NewOrder,
  wechat: WechatPay,
): Promise<Result<Placed, Refusal>> {
  const order = placedOf(draft);
  const [orderId, answer] = await Promise.all([
    insertOrder(db, draft),
    wechat.prepay(requestOf(order)),
  ]);
  return ok({ order, orderId, answer, wechat });
}

/**
 * Inserts the row first, since WeChat requires identical parameters for a repeated number (W-20),
 * then calls WeChat with the row's values, which may be those of an earlier request.
 */
async function placeOnce(
  c: Context<GatewayEnv>,
  db: Database,
  app: AppSettings,
  draft: NewOrder & { readonly appOrderNo: string },
  input: CreateOrderInput,
): Promise<Result<Placed, Refusal>> {
  const stored = await insertOrderOnce(db, draft);
  const { order: row, openId } = stored;
  if (!stored.created) {
    const refusal = repeatRefusal({ ...row, openId }, input);
    if (refusal !== null) return err(refusal);
    if (row.payState === "paid") {
      return err(orderPaid(row.id));
    }
    if (row.payState === "waiting" && row.closeRequestedAt !== null) {
      return err(orderClosing(row.id));
    }
    if (row.payState === "failed") {
      return err(orderClosed(row.id));
    }
  }
  const merchant = await merchantOf(c, app, row.merchantId);
  if (!merchant.ok) return merchant;
  const wechat = wechatFor(c.get("work"), merchant.value, row.protocol);
  const order = placedOf({ ...row, openId });
  return ok({ order, orderId: row.id, answer: await wechat.prepay(requestOf(order)), wechat });
}

/** The order's merchant. Its app may have changed merchants since the order was created. */
async function merchantOf(
  c: Context<GatewayEnv>,
  app: AppSettings,
  merchantId: number,
): Promise<Result<Merchant, Refusal>> {
  if (merchantId === app.merchant.id) return ok(app.merchant);
  const merchant = await c.get("work").settings.merchant(merchantId);
  return merchant.ok
    ? merchant
    : err(
        serverFault(
          "网关无法读取该订单的商户设置，请联系网关运维；重复本请求是安全的",
          "unreadable-secrets",
        ),
      );
}

function placedOf(order: NewOrder): PlacedOrder {
  return { ...order, appOrderNo: order.appOrderNo ?? null, attach: order.attach ?? null };
}

function requestOf(order: PlacedOrder): PrepayRequest {
  return { ...order, orderNumber: order.number };
}
