import type { Context } from "hono";
import { parseOrderQuery } from "../contract/order-query.ts";
import { orderView, refundView, type OrderView } from "../contract/order-view.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { findOrderOfApp, type OrderWithRefunds } from "../db/refunds.ts";
import { isOpen } from "../domain/refund.ts";
import { ORDER_ABSENT, serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { orderObject } from "../orders/stub.ts";
import { readSignedRequest } from "./signed-request.ts";

/** POST /order */
export async function order(c: Context<GatewayEnv>): Promise<Result<OrderView, Refusal>> {
  const request = await readSignedRequest(c, "order");
  if (!request.ok) return request;
  const { app, db, parameters } = request.value;
  const query = parseOrderQuery(parameters);
  if (!query.ok) return query;
  const { by, sync, refunds } = query.value;
  let found = await findOrderOfApp(db, app.id, by);
  if (found !== null && sync && mayHaveChanged(found)) {
    const outcome = await orderObject(c.env, found.order.number).sync(c.get("requestId"));
    if (outcome === "unknown") {
      return err(
        serverFault(
          "未能从微信得到明确结果。重复本请求是安全的；不带 sync 可查询网关已有的记录",
          "unknown-at-wechat",
        ),
      );
    }
    found = await findOrderOfApp(db, app.id, by);
  }
  if (found === null) return err(ORDER_ABSENT);
  c.set("order", found.order.number);
  const view = orderView(found.order, found.refunds);
  return ok(refunds ? { ...view, refunds: found.refunds.map(refundView) } : view);
}

/** Whether WeChat may know more than the record: an unpaid order, or a refund under way. */
function mayHaveChanged({ order: { payState }, refunds }: OrderWithRefunds): boolean {
  return payState !== "paid" || refunds.some(isOpen);
}
