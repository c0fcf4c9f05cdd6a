import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { findOrder } from "../../src/db/orders.ts";
import { listRefunds } from "../../src/db/order-list.ts";
import type { OrderRow, RefundRow } from "../../src/db/rows.ts";
import type { OrderHistory } from "../../src/orders/order-object.ts";
import type { OrderObject } from "../../src/orders/order-object.ts";
import { ask, type Answer, type Values } from "./gateway.ts";
import { notifyPayment } from "./notices.ts";
import type { World } from "./world.ts";

/** An order as its app knows it. */
export interface Made {
  readonly id: number;
  readonly number: string;
}

/** What a plain order is made with: 100 fen. */
export const ORDER: Values = {
  platForm: 1,
  openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
  desc: "测试商品",
  totalFree: 100,
  tag: "test",
  tradeType: "JSAPI",
};

/** Makes an order through the endpoint. */
export async function makeOrder({ shop }: World, values: Values = {}): Promise<Made> {
  return madeOf(await ask(shop, "/pay/create-order", { ...ORDER, ...values }));
}

/** The order in an answer of create-order. */
export function madeOf(answer: Answer): Made {
  const { orderId, orderNumber } = answer.data ?? {};
  if (typeof orderId !== "number" || typeof orderNumber !== "string") {
    throw new Error(`no order was made: ${answer.text}`);
  }
  return { id: orderId, number: orderNumber };
}

/** Makes an order and has it paid and notified; its app has not been called yet. */
export async function makePaidOrder(world: World, values: Values = {}): Promise<Made> {
  const made = await makeOrder(world, values);
  const paid = world.wechat.pay(made.number);
  if (!(await notifyPayment(world.shop, made.number, paid))) throw new Error("not acknowledged");
  return made;
}

/** Asks for a refund through the endpoint. */
export async function refund({ shop }: World, order: Made, values: Values = {}): Promise<Answer> {
  return await ask(shop, "/refund/refund-money", { platForm: 1, order_id: order.id, ...values });
}

/** The order as its app sees it. */
export async function view(
  { shop }: World,
  order: Made,
  values: Values = {},
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await ask(shop, "/order", { order_id: order.id, ...values });
  if (answer.data === null) throw new Error(`no order was shown: ${answer.text}`);
  return answer.data;
}

/** The order's object. */
export function objectOf({ number }: Pick<Made, "number">): DurableObjectStub<OrderObject> {
  return env.ORDER_OBJECT.getByName(number);
}

/** The order's row. */
export async function rowOf({ number }: Pick<Made, "number">): Promise<OrderRow> {
  const row = await findOrder(connect(env.DB), number);
  if (row === null) throw new Error("there is no such order");
  return row;
}

/** The order's refunds, the oldest first. */
export async function refundsOf({ id }: Pick<Made, "id">): Promise<RefundRow[]> {
  return await listRefunds(connect(env.DB), id);
}

/** The order's only refund. */
export async function refundOf(order: Pick<Made, "id">): Promise<RefundRow> {
  const [only, ...others] = await refundsOf(order);
  if (only === undefined || others.length > 0) throw new Error("not exactly one refund");
  return only;
}

type Armed = OrderHistory["timers"][number];

/** The order's armed timers, the earliest first. */
export async function timersOf(order: Pick<Made, "number">): Promise<Armed[]> {
  return (await objectOf(order).history()).timers;
}

/** The armed timer of this kind, if there is one. */
export async function timerOf(
  order: Pick<Made, "number">,
  kind: string,
): Promise<Armed | undefined> {
  return (await timersOf(order)).find((timer) => timer.kind === kind);
}

/** Runs every timer that is due now, and those that become due by that. */
export async function runDue(order: Pick<Made, "number">): Promise<void> {
  for (let runs = 0; runs < 20; runs += 1) {
    const [earliest] = await timersOf(order);
    if (earliest === undefined || earliest.dueAt > Date.now()) return;
    await runAlarm(order);
  }
  throw new Error("timers keep coming due at once");
}

/** Moves the clock to when the timer of this kind is due, and runs what is due then. */
export async function runNext(order: Pick<Made, "number">, kind: string): Promise<void> {
  const timer = await timerOf(order, kind);
  if (timer === undefined) throw new Error(`${kind} is not armed`);
  vi.setSystemTime(Math.max(Date.now(), timer.dueAt));
  await runAlarm(order);
}

/**
 * Has the object's alarm go off. One that a crash cuts off is set again, as the platform repeats it:
 * the way in which tests run an alarm takes it away beforehand.
 */
async function runAlarm(order: Pick<Made, "number">): Promise<void> {
  try {
    await runDurableObjectAlarm(objectOf(order));
  } catch (error) {
    await runInDurableObject(objectOf(order), async (_object, { storage }) => {
      await storage.setAlarm(Date.now());
    });
    throw error;
  }
}
