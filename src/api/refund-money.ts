import type { Context } from "hono";
import { parseRefundMoney } from "../contract/refund-money.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { findOrderOfApp } from "../db/refunds.ts";
import type { Parameters } from "../contract/parameters.ts";
import { ORDER_ABSENT, REFUNDS_OFF, withFaults, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { orderObject } from "../orders/stub.ts";
import { furtherFaults } from "./parameter-faults.ts";
import { readSignedRequest } from "./signed-request.ts";

/** `data` of refund/refund-money: WeChat's number and ours. */
interface RequestedRefund {
  readonly refund_id: string;
  readonly refund_no: string;
}

/** POST /refund/refund-money */
export async function refundMoney(
  c: Context<GatewayEnv>,
): Promise<Result<RequestedRefund, Refusal>> {
  const request = await readSignedRequest(c, "refund-money");
  if (!request.ok) return request;
  const { app, db, parameters } = request.value;
  const input = parseRefundMoney(parameters);
  if (!input.ok) return input;
  const { orderId, ...wanted } = input.value;
  const found = await findOrderOfApp(db, app.id, { kind: "id", orderId });
  // Without a refund there is none to repeat; otherwise the order's object decides.
  if (!app.canRefund && (found?.refunds ?? []).length === 0) return err(REFUNDS_OFF);
  if (found === null) return err(ORDER_ABSENT);
  c.set("order", found.order.number);
  const object = orderObject(c.env, found.order.number);
  const { canRefund, maxRefundFenPerDay } = app;
  const limits = { canRefund, maxRefundFenPerDay };
  const refund = await object.requestRefund(app.id, wanted, c.get("requestId"), limits);
  return refund.ok
    ? ok({ refund_id: refund.value.refundId, refund_no: refund.value.refundNo })
    : err(withMisspelt(refund.error, parameters));
}

/** The object knows no names: a misspelt `refundFree` looks like a refund of everything that is left. */
function withMisspelt(refusal: Refusal, parameters: Parameters): Refusal {
  return refusal.code === 501
    ? withFaults(refusal, furtherFaults("refund-money", parameters))
    : refusal;
}
