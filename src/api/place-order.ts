import type { Context } from "hono";
import type { CreateOrderInput } from "../contract/create-order.ts";
import { differingParameter } from "../contract/repeated-order.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "../db/database.ts";
import { insertOrder, insertOrderOnce, type NewOrder } from "../db/orders.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { wechatFor } from "../settings/wechat-client.ts";
import { badRequest, serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import type { Merchant, PrepayAnswer, PrepayRequest, WechatPay } from "../wechat/types.ts";

/** An order as WeChat is told of it, and how long it may be paid. */
export type PlacedOrder = Omit<PrepayRequest, "orderNumber"> & {
  readonly number: string;
  readonly appOrderNo: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
};

/** An order that is stored and that WeChat was told of. */
export interface Placed {
  readonly order: PlacedOrder;
  readonly orderId: number;
  readonly answer: PrepayAnswer;
  /** The line to the order's merchant. */
  readonly wechat: WechatPay;
}

/** Stores a new order and tells WeChat, or finds the one that the app's own number names. */
export async function placeOrder(
  c: Context<GatewayEnv>,
  db: Database,
  app: AppSettings,
  draft: NewOrder,
  wish: CreateOrderInput,
): Promise<Result<Placed, Refusal>> {
  return wish.appOrderNo === null
    ? await placeNew(db, draft, wechatFor(c.get("work"), app.merchant, draft.protocol))
    : await placeOnce(c, db, app, { ...draft, appOrderNo: wish.appOrderNo }, wish);
}

/**
 * The row and WeChat's call side by side. That is safe because nobody can pay before both are done:
 * the parameters that let the payer pay are handed out afterwards.
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
 * The row first, since WeChat demands that a repeated number carries identical parameters; then the
 * call, with what the row says: it may be an earlier request's.
 */
async function placeOnce(
  c: Context<GatewayEnv>,
  db: Database,
  app: AppSettings,
  draft: NewOrder & { readonly appOrderNo: string },
  wish: CreateOrderInput,
): Promise<Result<Placed, Refusal>> {
  const standing = await insertOrderOnce(db, draft);
  const { order: row, openId } = standing;
  if (!standing.created) {
    const differing = differingParameter({ ...row, openId }, wish);
    if (differing !== null) {
      return err(badRequest(`${differing} 与 appOrderNo 首次下单时不一致`));
    }
    if (row.payState === "paid") {
      return err(badRequest(`该订单已支付（order_id=${row.id}），不能再次下单`));
    }
    if (row.payState === "failed") {
      return err(badRequest(`该订单已关闭（order_id=${row.id}），请换一个 appOrderNo 重新下单`));
    }
  }
  const merchant = await merchantOf(c, app, row.merchantId);
  if (!merchant.ok) return merchant;
  const wechat = wechatFor(c.get("work"), merchant.value, row.protocol);
  const order = placedOf({ ...row, openId });
  return ok({ order, orderId: row.id, answer: await wechat.prepay(requestOf(order)), wechat });
}

/** An order keeps the merchant that it was made for, though its app may have another by now. */
async function merchantOf(
  c: Context<GatewayEnv>,
  app: AppSettings,
  merchantId: number,
): Promise<Result<Merchant, Refusal>> {
  if (merchantId === app.merchant.id) return ok(app.merchant);
  const merchant = await c.get("work").settings.merchant(merchantId);
  return merchant.ok
    ? merchant
    : err(serverFault("网关无法读取该订单的商户设置，请联系网关运维；重复本请求是安全的"));
}

function placedOf(order: NewOrder): PlacedOrder {
  return { ...order, appOrderNo: order.appOrderNo ?? null, attach: order.attach ?? null };
}

function requestOf(order: PlacedOrder): PrepayRequest {
  return { ...order, orderNumber: order.number };
}
