import type { OrderRow } from "../db/rows.ts";
import type { OrderKey } from "../wechat/types.ts";

/** The key of a stored order at WeChat. */
export function keyOf(order: OrderRow): OrderKey {
  return {
    orderNumber: order.number,
    wechatAppId: order.wechatAppId,
    signType: order.signType,
  };
}
