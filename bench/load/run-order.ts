import { dataOf, USUAL_ORDER, type Parameters } from "../../testkit/app-client.ts";
import {
  createdOrder,
  readEnvelope,
  requestedRefund,
  type CreatedOrder,
  type RequestedRefund,
} from "../../testkit/contract.ts";
import { notificationsFor } from "../../testkit/wechat-notification.ts";
import type { Latencies } from "../support/latencies.ts";
import type { LoadApp, Target } from "./targets.ts";

export const ENDPOINTS = ["create-order", "notification", "order", "refund-money"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** An order as its app and its payer know it. */
export interface CompletedOrder {
  readonly app: LoadApp;
  readonly order: CreatedOrder;
  readonly totalFen: number;
  readonly attach: string;
  readonly transactionId: string;
  /** Null if none was requested. */
  readonly refund: RequestedRefund | null;
}

/** One payer in two is new to the app, one order in three is refunded. */
const NEW_PAYER_EVERY = 2;
const REFUND_EVERY = 3;

/** Creates an order, pays it, notifies it, queries it, and requests its refund. */
export async function runOrder(
  target: Target,
  index: number,
  latencies: Latencies<Endpoint>,
): Promise<CompletedOrder> {
  const { apps } = target;
  const app = apps[index % apps.length];
  if (app === undefined) throw new Error("a target without apps");
  const totalFen = 1 + (index % 9_999);
  const attach = `load ${index}`;
  const created = await call(target, app, "create-order", latencies, {
    ...USUAL_ORDER,
    openId: `payer-${index % NEW_PAYER_EVERY === 0 ? index : 1}`,
    totalFree: totalFen,
    attach,
  });
  const order = dataOf(readEnvelope(JSON.parse(created), createdOrder));
  const transactionId = await pay(target, order);
  await notify(target, order, { totalFen, attach, transactionId }, latencies);
  const view = await call(target, app, "order", latencies, { order_id: order.orderId });
  // The floor answers with the database's word.
  if (!view.includes(`"pay_state":"2"`) && !view.includes(`"pay_state":"paid"`)) {
    throw new Error(`order ${order.orderNumber} is not paid: ${view}`);
  }
  const refund =
    index % REFUND_EVERY === 0 ? await requestRefund(target, app, order, latencies) : null;
  return { app, order, totalFen, attach, transactionId, refund };
}

async function requestRefund(
  target: Target,
  app: LoadApp,
  { orderId }: CreatedOrder,
  latencies: Latencies<Endpoint>,
): Promise<RequestedRefund> {
  const parameters = { platForm: 1, order_id: orderId };
  const answer = await call(target, app, "refund-money", latencies, parameters);
  return dataOf(readEnvelope(JSON.parse(answer), requestedRefund));
}

const PATHS = {
  "create-order": "/pay/create-order",
  order: "/order",
  "refund-money": "/refund/refund-money",
} as const;

/** Signs and sends with the cheap client, and counts the time between. */
async function call(
  { url, client }: Target,
  app: LoadApp,
  endpoint: keyof typeof PATHS,
  latencies: Latencies<Endpoint>,
  parameters: Parameters,
): Promise<string> {
  const { path, contentType, body } = app.client.sign(PATHS[endpoint], parameters);
  const answer = await client.post(url + path, contentType, body);
  if (answer.status !== 200) throw new Error(`${endpoint}: HTTP ${answer.status} ${answer.text}`);
  latencies.add(endpoint, answer.ms);
  return answer.text;
}

/** The payer pays. The notification is left to `notify`, which measures it. */
async function pay({ sandboxUrl, client }: Target, { orderNumber }: CreatedOrder): Promise<string> {
  const url = `${sandboxUrl}/sandbox/api/orders/${orderNumber}/pay`;
  const answer = await client.post(url, "application/json", '{"notify":false}');
  if (answer.status !== 200) throw new Error(`not paid: HTTP ${answer.status} ${answer.text}`);
  const paid: { readonly transactionId: string } = JSON.parse(answer.text);
  return paid.transactionId;
}

/** Sends WeChat's payment notification. */
async function notify(
  { url, merchant, client }: Target,
  { orderNumber }: CreatedOrder,
  payment: Pick<CompletedOrder, "totalFen" | "attach" | "transactionId">,
  latencies: Latencies<Endpoint>,
): Promise<void> {
  const facts = {
    appId: merchant.wechatAppId,
    mchId: merchant.mchId,
    openid: "payer",
    orderNumber,
    ...payment,
    success: true,
  };
  const { body } = notificationsFor(merchant).write(facts, merchant);
  const path = `/notify/v2/${merchant.id}/pay`;
  const answer = await client.post(url + path, "text/xml", body);
  if (!answer.text.includes("SUCCESS")) throw new Error(`not acknowledged: ${answer.text}`);
  latencies.add("notification", answer.ms);
}
