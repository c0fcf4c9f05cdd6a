import type { SandboxOrder } from "./sandbox-client.ts";
import type { Merchant } from "./shop.ts";
import { V2_NOTIFICATIONS } from "./wechat-notification-v2.ts";
import { V3_NOTIFICATIONS } from "./wechat-notification-v3.ts";

/**
 * WeChat's payment notification, written from WeChat's description and sharing no code with the
 * gateway or the sandbox.
 */

/** What a notification says, in either protocol. */
export interface PaymentFacts {
  readonly appId: string;
  readonly mchId: string;
  readonly openid: string;
  readonly orderNumber: string;
  readonly transactionId: string;
  readonly totalFen: number;
  /** As the order has it; null for none. */
  readonly attach: string | null;
  readonly success: boolean;
}

/** A notification as it is sent. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a notification is signed or sealed with. */
export type MerchantKeys = Pick<Merchant, "apiKey" | "apiV3Key" | "signType">;

/** Writes WeChat's notifications in one protocol. */
export interface NotificationWriter {
  /** The notification, correctly signed for a merchant. */
  write(facts: PaymentFacts, keys: MerchantKeys): Message;
  /** The same with a fault that only this protocol has, by the fault. */
  writeInvalid(facts: PaymentFacts, keys: MerchantKeys): Readonly<Record<string, Message>>;
}

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
