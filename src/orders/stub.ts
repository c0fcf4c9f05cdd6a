import type { OrderObject } from "./order-object.ts";

/** The object of the order with this number. */
export function orderObject(env: Env, orderNumber: string): DurableObjectStub<OrderObject> {
  return env.ORDER_OBJECT.getByName(orderNumber);
}
