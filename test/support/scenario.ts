import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { findOrder } from "../../src/db/orders.ts";
import { listRefunds } from "../../src/db/order-list.ts";
import type { OrderRow, RefundRow } from "../../src/db/rows.ts";
import type { OrderHistory } from "../../src/orders/order-object.ts";
import type { OrderObject } from "../../src/orders/order-object.ts";
import { postSigned, type Answer, type Values } from "./gateway.ts";
import { notifyPayment } from "./notifications.ts";
import type { Scene } from "./scene.ts";
import { wechatNumber, type FakeRefund } from "./wechat-ledger.ts";

/** An order's id and number, as its app knows them. */
export interface OrderRef {
  readonly id: number;
  readonly number: string;
}

/** The parameters of a plain order over 100 fen. */
export const ORDER: Values = {
  platForm: 1,
  openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
  desc: "测试商品",
  totalFree: 100,
  tag: "test",
  tradeType: "JSAPI",
};

/** Creates an order through the endpoint. */
export async function makeOrder({ shop }: Scene, values: Values = {}): Promise<OrderRef> {
  return orderRefOf(await postSigned(shop, "/pay/create-order", { ...ORDER, ...values }));
}

/** The order in a create-order response; throws when there is none. */
export function orderRefOf(answer: Answer): OrderRef {
  const { orderId, orderNumber } = answer.data ?? {};
  if (typeof orderId !== "number" || typeof orderNumber !== "string") {
    throw new Error(`no order was created: ${answer.text}`);
  }
  return { id: orderId, number: orderNumber };
}

/** Creates an order, pays it and posts WeChat's notification; its app has not been called yet. */
export async function makePaidOrder(scene: Scene, values: Values = {}): Promise<OrderRef> {
  const order = await makeOrder(scene, values);
  const paid = scene.wechat.pay(order.number);
  if (!(await notifyPayment(scene.shop, order.number, paid))) throw new Error("not acknowledged");
  return order;
}

/** Requests a refund through the endpoint. */
export async function requestRefund(
  { shop }: Scene,
  order: OrderRef,
  values: Values = {},
): Promise<Answer> {
  return await postSigned(shop, "/refund/refund-money", {
    platForm: 1,
    order_id: order.id,
    ...values,
  });
}

let platformRefunds = 0;

/** Refunds an order as a person does in WeChat's merchant platform; returns the refund's number. */
export function refundInPlatform(
  { wechat }: Scene,
  { number }: OrderRef,
  refundFen: number,
  status: FakeRefund["status"] = "SUCCESS",
): string {
  platformRefunds += 1;
  const refundNo = `platform-refund-${platformRefunds}`;
  wechat.refunds.set(refundNo, {
    orderNumber: number,
    refundId: wechatNumber("50"),
    refundFen,
    createdAt: Date.now(),
    status,
  });
  return refundNo;
}

/** The order as its app sees it, from the endpoint. */
export async function viewOrder(
  { shop }: Scene,
  order: OrderRef,
  values: Values = {},
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await postSigned(shop, "/order", { order_id: order.id, ...values });
  if (answer.data === null) throw new Error(`no order in the response: ${answer.text}`);
  return answer.data;
}

/** The order's Durable Object. */
export function objectOf({ number }: Pick<OrderRef, "number">): DurableObjectStub<OrderObject> {
  return env.ORDER_OBJECT.getByName(number);
}

/** The order's row in D1. */
export async function rowOf({ number }: Pick<OrderRef, "number">): Promise<OrderRow> {
  const row = await findOrder(connect(env.DB), number);
  if (row === null) throw new Error("there is no such order");
  return row;
}

/** The order's refunds, oldest first. */
export async function refundsOf({ id }: Pick<OrderRef, "id">): Promise<RefundRow[]> {
  return await listRefunds(connect(env.DB), id);
}

/** The order's only refund. */
export async function refundOf(order: Pick<OrderRef, "id">): Promise<RefundRow> {
  const [only, ...others] = await refundsOf(order);
  if (only === undefined || others.length > 0) throw new Error("not exactly one refund");
  return only;
}

type ArmedTimer = OrderHistory["timers"][number];

/** The order's armed timers, earliest first. */
export async function timersOf(order: Pick<OrderRef, "number">): Promise<ArmedTimer[]> {
  return (await objectOf(order).history()).timers;
}

/** The armed timer of this kind, if any. */
export async function timerOf(
  order: Pick<OrderRef, "number">,
  kind: string,
): Promise<ArmedTimer | undefined> {
  return (await timersOf(order)).find((timer) => timer.kind === kind);
}

/** Runs every timer that is due now, and those that become due meanwhile. */
export async function runDueTimers(order: Pick<OrderRef, "number">): Promise<void> {
  for (let runs = 0; runs < 20; runs += 1) {
    const [earliest] = await timersOf(order);
    if (earliest === undefined || earliest.dueAt > Date.now()) return;
    await runAlarm(order);
  }
  throw new Error("timers keep becoming due");
}

/** Moves the clock to the due time of the timer of this kind and runs all that is due then. */
export async function runNextTimer(order: Pick<OrderRef, "number">, kind: string): Promise<void> {
  const timer = await timerOf(order, kind);
  if (timer === undefined) throw new Error(`${kind} is not armed`);
  vi.setSystemTime(Math.max(Date.now(), timer.dueAt));
  await runAlarm(order);
}

/**
 * Runs the object's alarm. When a crash cuts it off, the alarm is set again, because the platform
 * would repeat it but `runDurableObjectAlarm` deletes it first.
 */
async function runAlarm(order: Pick<OrderRef, "number">): Promise<void> {
  try {
    await runDurableObjectAlarm(objectOf(order));
  } catch (error) {
    await runInDurableObject(objectOf(order), async (_object, { storage }) => {
      await storage.setAlarm(Date.now());
    });
    throw error;
  }
}
