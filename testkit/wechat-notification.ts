import type { SandboxOrder } from "./sandbox-client.ts";
import type {
  MerchantKeys,
  Message,
  NotificationWriter,
  PaymentFacts,
} from "./notification-writer.ts";
import { V2_NOTIFICATIONS } from "./wechat-notification-v2.ts";
import { V3_NOTIFICATIONS } from "./wechat-notification-v3.ts";

/**
 * WeChat's payment notification, written from WeChat's description and sharing no code with the
 * gateway or the sandbox.
 */

/** The writer for a merchant's protocol. */
export function notificationsFor({ signType }: MerchantKeys): NotificationWriter {
  return signType === "RSA" ? V3_NOTIFICATIONS : V2_NOTIFICATIONS;
}

/** The facts of an order that the payer has paid. */
export function paymentFacts(order: SandboxOrder): PaymentFacts {
  return {
    appId: order.appId,
    mchId: order.mchId,
    openid: order.openid,
    orderNumber: order.outTradeNo,
    transactionId: order.transactionId ?? "4200000000202611220000000000",
    totalFen: order.totalFee,
    attach: order.attach,
    success: true,
  };
}

/** Posts a notification as WeChat does. Returns whether it is acknowledged, by the protocol's rule. */
export async function post(url: string, { headers, body }: Message): Promise<boolean> {
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = await response.text();
  const [, code] = /<return_code><!\[CDATA\[(\w+)\]\]><\/return_code>/.exec(answer) ?? [];
  if (url.includes("/notify/v2/") && response.status === 200 && code !== undefined) {
    return code === "SUCCESS";
  }
  if (url.includes("/notify/v3/")) {
    if (response.status === 204) return true;
    if (response.status === 400 || response.status === 401) return false;
  }
  throw new Error(`HTTP ${response.status}: ${answer}`);
}
