import { connectV2 } from "./v2/client.ts";
import type { Merchant, Surroundings, WechatPay } from "./wechat-pay.ts";

type Connect = (merchant: Merchant, surroundings: Surroundings) => WechatPay;

const PROTOCOLS: Readonly<Record<Merchant["protocol"], Connect>> = { v2: connectV2 };

/** A merchant's line to WeChat Pay, in the protocol that the merchant speaks. */
export function connectWechat(merchant: Merchant, surroundings: Surroundings): WechatPay {
  return PROTOCOLS[merchant.protocol](merchant, surroundings);
}
