import { createHmac } from "node:crypto";
import { signFields } from "../../testkit/app-signature.ts";
import { USUAL_ORDER } from "../../testkit/app-client.ts";
import {
  createdOrder,
  readEnvelope,
  requestedRefund,
  type CreatedOrder,
  type RequestedRefund,
} from "../../testkit/contract.ts";
import type { Latencies } from "../support/latencies.ts";
import type { Client } from "../support/post.ts";
import type { LoadApp, LoadShop } from "./targets.ts";

export const ENDPOINTS = ["create-order", "notification", "order", "refund-money"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** What takes the load: the gateway or the floor. */
export interface Target {
  readonly url: string;
  readonly sandboxUrl: string;
  readonly shop: LoadShop;
  readonly client: Client;
}

/** An order as its app and its payer know it. */
export interface Lived {
  readonly app: LoadApp;
  readonly order: CreatedOrder;
  readonly totalFen: number;
  readonly attach: string;
  readonly transactionId: string;
  /** Null where none was asked for. */
  readonly refund: RequestedRefund | null;
}

const FORM = "application/x-www-form-urlencoded";

/**
 * One order's life up to its refund, every third one's: made, paid, notified, looked at, refunded.
 * Each answer is held to the contract at once.
 */
export async function live(
  target: Target,
  index: number,
  latencies: Latencies<Endpoint>,
): Promise<Lived> {
  const { apps } = target.shop;
  const app = apps[index % apps.length];
  if (app === undefined) throw new Error("a shop without apps");
  const totalFen = 1 + (index % 9_999);
  const attach = `load ${index}`;
  const order = createdData(
    await call(target, app, "create-order", latencies, {
      ...USUAL_ORDER,
      // Every other payer comes for the first time.
      openId: `payer-${index % 2 === 0 ? index : 1}`,
      totalFree: totalFen,
      attach,
    }),
  );
  const transactionId = await pay(target, order);
  await notify(target, order, totalFen, transactionId, latencies);
  const view = await call(target, app, "order", latencies, { order_id: order.orderId });
  if (!view.includes(`"pay_state":"2"`) && !view.includes(`"pay_state":"paid"`)) {
    throw new Error(`order ${order.orderNumber} isn't paid: ${view}`);
  }
  const refund =
    index % 3 === 0
      ? refundData(
          await call(target, app, "refund-money", latencies, {
            platForm: 1,
            order_id: order.orderId,
          }),
        )
      : null;
  return { app, order, totalFen, attach, transactionId, refund };
}

const PATHS = {
  "create-order": "/pay/create-order",
  order: "/order",
  "refund-money": "/refund/refund-money",
} as const;

async function call(
  { url, client }: Target,
  app: LoadApp,
  endpoint: keyof typeof PATHS,
  latencies: Latencies<Endpoint>,
  parameters: Readonly<Record<string, string | number>>,
): Promise<string> {
  const texts = Object.fromEntries(
    Object.entries({ appId: app.id, ...parameters }).map(([name, value]) => [name, String(value)]),
  );
  const body = new URLSearchParams({ ...texts, sign: signFields(texts, app.salt) }).toString();
  const answer = await client.post(url + PATHS[endpoint], FORM, body);
  if (answer.status !== 200) throw new Error(`${endpoint}: HTTP ${answer.status} ${answer.text}`);
  latencies.add(endpoint, answer.ms);
  return answer.text;
}

function createdData(text: string): CreatedOrder {
  const envelope = readEnvelope(JSON.parse(text), createdOrder);
  if (envelope.code !== 0) throw new Error(`create-order: ${envelope.errmsg}`);
  return envelope.data;
}

function refundData(text: string): RequestedRefund {
  const envelope = readEnvelope(JSON.parse(text), requestedRefund);
  if (envelope.code !== 0) throw new Error(`refund-money: ${envelope.errmsg}`);
  return envelope.data;
}

/** The payer pays; the notification is left to `notify`, which can time it. */
async function pay({ sandboxUrl, client }: Target, { orderNumber }: CreatedOrder): Promise<string> {
  const url = `${sandboxUrl}/sandbox/api/orders/${orderNumber}/pay`;
  const answer = await client.post(url, "application/json", '{"notify":false}');
  if (answer.status !== 200) throw new Error(`not paid: HTTP ${answer.status} ${answer.text}`);
  const paid: { readonly transactionId: string } = JSON.parse(answer.text);
  return paid.transactionId;
}

/** WeChat's payment notification in APIv2, written and signed here. */
async function notify(
  { url, shop, client }: Target,
  { orderNumber }: CreatedOrder,
  totalFen: number,
  transactionId: string,
  latencies: Latencies<Endpoint>,
): Promise<void> {
  const fields = {
    appid: shop.wechatAppId,
    bank_type: "OTHERS",
    cash_fee: String(totalFen),
    fee_type: "CNY",
    is_subscribe: "N",
    mch_id: shop.mchId,
    nonce_str: orderNumber,
    openid: "payer",
    out_trade_no: orderNumber,
    result_code: "SUCCESS",
    return_code: "SUCCESS",
    time_end: "20261122153000",
    total_fee: String(totalFen),
    trade_type: "JSAPI",
    transaction_id: transactionId,
  };
  // The names above are sorted, and no value is empty.
  const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const sign = createHmac("sha256", shop.apiKey)
    .update(`${text.join("&")}&key=${shop.apiKey}`)
    .digest("hex")
    .toUpperCase();
  const elements = Object.entries({ ...fields, sign }).map(
    ([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`,
  );
  const path = `/notify/v2/${shop.merchantId}/pay`;
  const answer = await client.post(url + path, "text/xml", `<xml>${elements.join("")}</xml>`);
  if (!answer.text.includes("SUCCESS")) throw new Error(`not acknowledged: ${answer.text}`);
  latencies.add("notification", answer.ms);
}
