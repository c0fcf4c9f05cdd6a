import type { Merchant } from "./shop.ts";

/** What a notification says, in either protocol. */
export interface PaymentFacts {
  readonly appId: string;
  readonly mchId: string;
  readonly openid: string;
  readonly orderNumber: string;
  readonly transactionId: string;
  readonly totalFen: number;
  /** The order's own; null for an order without one. */
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
