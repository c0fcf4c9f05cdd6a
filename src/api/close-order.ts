import type { Context } from "hono";
import { parseCloseOrder } from "../contract/close-order.ts";
import { PAY_STATE_CODE } from "../contract/order-view.ts";
import { ORDER_ABSENT, serverFault, type Refusal } from "../contract/refusal.ts";
import { findOrderOfApp } from "../db/refunds.ts";
import type { PayState } from "../domain/states.ts";
import type { GatewayEnv } from "../env.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { orderObject } from "../orders/stub.ts";
import { readSignedRequest } from "./signed-request.ts";

/** `data` of pay/close-order. */
interface WithdrawnOrder {
  readonly pay_state: string;
  /** In how many seconds the gateway closes the order; null when nothing is pending. */
  readonly close_in: number | null;
}

const UNKNOWN = serverFault(
  "微信未给出明确结果，订单可能尚未关闭；网关会自动继续关单。重复本请求是安全的",
  "unknown-at-wechat",
);

/** POST /pay/close-order */
export async function closeOrder(c: Context<GatewayEnv>): Promise<Result<WithdrawnOrder, Refusal>> {
  const request = await readSignedRequest(c, "close-order");
  if (!request.ok) return request;
  const { app, db, parameters } = request.value;
  const reference = parseCloseOrder(parameters);
  if (!reference.ok) return reference;
  const found = await findOrderOfApp(db, app.id, reference.value);
  if (found === null) return err(ORDER_ABSENT);
  const { number, payState } = found.order;
  c.set("order", number);
  if (payState !== "waiting") return ok(ended(payState));
  const outcome = await orderObject(c.env, number).withdraw("app", c.get("requestId"));
  switch (outcome.kind) {
    case "ended":
      return ok(ended(outcome.payState));
    case "pending":
      return ok({ pay_state: PAY_STATE_CODE.waiting, close_in: outcome.closeInSeconds });
    case "absent":
      return err(ORDER_ABSENT);
    case "refused":
      return err(
        serverFault(
          `微信拒绝关单：${outcome.reason}。网关会自动重试；重复本请求是安全的，如持续出现请联系网关运维`,
          "refused-by-wechat",
        ),
      );
    case "unknown":
      return err(UNKNOWN);
    case "unavailable":
      return err(serverFault("网关内部错误。重复本请求是安全的", "internal-error"));
  }
}

function ended(payState: PayState): WithdrawnOrder {
  return { pay_state: PAY_STATE_CODE[payState], close_in: null };
}
