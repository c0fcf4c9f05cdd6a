import type { SandboxOrder } from "../../../testkit/sandbox-client.ts";
import type { Shop } from "./shop.ts";
import { V2_PEN } from "./wechat-notification-v2.ts";
import { V3_PEN } from "./wechat-notification-v3.ts";

/**
 * WeChat's payment notification, written from WeChat's description and sharing nothing with the
 * gateway or the sandbox.
 */

/** What a notification says, in whatever protocol. */
export interface PaymentFacts {
  readonly appId: string;
  readonly mchId: string;
  readonly openid: string;
  readonly orderNumber: string;
  readonly transactionId: string;
  readonly totalFen: number;
  readonly success: boolean;
}

/** A notification as it goes over the wire. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** WeChat's hand in one protocol. */
export interface Pen {
  /** The notification, rightly signed for a merchant. */
  write(facts: PaymentFacts, merchant: Shop["merchant"]): Message;
  /** The same, wrong in the ways that only this protocol has, by what is wrong. */
  spoil(facts: PaymentFacts, merchant: Shop["merchant"]): Readonly<Record<string, Message>>;
}

/** The pen that WeChat writes to a merchant with. */
export function penFor({ signType }: Shop["merchant"]): Pen {
  return signType === "RSA" ? V3_PEN : V2_PEN;
}

/** What WeChat has to say of a paid order. */
export function factsOf(order: SandboxOrder): PaymentFacts {
  return {
    appId: order.appId,
    mchId: order.mchId,
    openid: order.openid,
    orderNumber: order.outTradeNo,
    transactionId: order.transactionId ?? "4200000000202611220000000000",
    totalFen: order.totalFee,
    success: true,
  };
}

/** Posts a notification as WeChat does; whether it is acknowledged, by the protocol's own rule. */
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
